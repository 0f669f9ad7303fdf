"""The captions graph: which stages a configuration needs, and how they are connected.

Sound to text: audio, vad, encode, fuse, decode.
Picture to lips: video, face, lips; from there to fuse, for a fusion that uses lips, to lip_report, which publishes
LipActivity, and to mouth, by which vad tells where speech ends and decode whose it was. Fuse and mouth have lips at the
rate the networks were trained at; where `lips.rate` is another, a second lip stream gives them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lipstream.config import Config
from lipstream.models.av_speech.recording import LIP_RATE
from lipstream.models.speech import recognisers
from lipstream.models.speech.engine import SpeechEngine
from lipstream.models.speech.fusion import AudioOnlyFusion, Fusion
from lipstream.models.speech.vad import SileroVad
from lipstream.pipeline import Bounds, Graph, Policy, Shed, Source, Switches, UserError, micros
from lipstream.stages.both_sources import add_second_voice
from lipstream.stages.branches import SMALL_BOUNDS, SOUND_BOUNDS, add_lips, add_voice_activity, pictures
from lipstream.stages.capture.camera import Camera
from lipstream.stages.capture.microphone import Microphone
from lipstream.stages.capture.system_sound import SystemSound
from lipstream.stages.face.face_features import FeatureReport
from lipstream.stages.face.face_report import FaceReport
from lipstream.stages.face.lip_activity import LipReport
from lipstream.stages.face.lips import LipStream
from lipstream.stages.face.looking import AHEAD, Looking, LookRates
from lipstream.stages.face.mouth import MouthWatch
from lipstream.stages.face.voices_ahead import VoicesAhead
from lipstream.stages.failures import need_torch, while_loading
from lipstream.stages.file_sources import file_sources
from lipstream.stages.media.tracks import EACH
from lipstream.stages.notice import Notice
from lipstream.stages.shedding import CORRECTIONS, EMOTION_RATE, FACE_RATE, PARTIALS, SECOND_PASS
from lipstream.stages.speaker.of_track import OfTrack
from lipstream.stages.speech.at_once import MOST_LIVE
from lipstream.stages.speech.corrections.correct import Correct
from lipstream.stages.speech.corrections.precedence import Precedence, with_precedence
from lipstream.stages.speech.decode import Decode
from lipstream.stages.speech.encode import Encode
from lipstream.stages.speech.fuse import Fuse
from lipstream.stages.speech.joined import LONGEST_PAUSE
from lipstream.stages.speech.onset import low_threshold
from lipstream.stages.speech.onward import MOST_UNREAD
from lipstream.stages.speech.readers import MOONSHINE, choose, make_reading, profile_of, reading_again, reads_again
from lipstream.stages.speech.speaking import SpeakingReport
from lipstream.stages.switches import EMOTION, LIPS, PICTURE, SOUND
from lipstream.stages.tracks import SpeakerTrack, add_tracks, reading_wait

if TYPE_CHECKING:
    from lipstream.models.av_speech.lip_fusion import LipFusion


def build(config: Config) -> Graph:
    """Make the graph for a configuration.

    Nothing is loaded or opened yet, but an input file is looked at, to see which tracks it has.

    Raises:
        UserError: the input is missing or not media, or it has none of the tracks that are enabled.
    """
    if config.mode == "live":
        graph = connect(config, *_live_sources(config))
        if config.audio.enabled and config.audio.source == "both":
            add_second_voice(graph, config, SystemSound(config.audio), add_speech_branch)
        return graph
    graph = Graph()
    sources = file_sources(graph, config)
    return connect(config, sources.audio, sources.video, graph, sources.tracks)


def connect(
    config: Config,
    audio: Source | None,
    video: Source | None,
    graph: Graph | None = None,
    tracks: Sequence[SpeakerTrack] = (),
) -> Graph:
    """Add all that a configuration wants behind its sources.

    Args:
        config: the configuration.
        audio: what delivers the sound, on its port "audio"; None without sound.
        video: what delivers pictures, on its port "video"; None without.
        graph: where to add it; a new one by default.
        tracks: sound tracks that are a speaker each, in place of `audio`.
    """
    if config.mode == "live" and config.audio.track == EACH:
        raise UserError("audio.track=each is for recordings: a live run has no sound tracks (see audio.source)")
    graph = graph or Graph()
    listener = None if audio is None else recognisers.listener(config.speech.threads)
    seen = config.fusion.profile is not None or (audio is not None and video is not None)
    fusion = make_fusion(config, listener) if seen else AudioOnlyFusion()
    looking = _looking(config) if audio is not None or tracks else None
    if video is not None:
        _add_face_branch(graph, config, video, looking, others=audio is not None and _parts_voices(config))
    told_ahead = video is not None and looking is not None
    if audio is not None:
        add_speech_branch(graph, config, audio, fusion, listener, ahead=told_ahead)
    if tracks:
        _add_tracks(graph, config, tracks, video is not None, told_ahead)
    useless = _why_no_profile(config)
    if useless is not None:
        graph.add("no_lips", Notice("video", useless))
    if told_ahead:
        _add_voices(graph, config, [track.prefix for track in tracks] or [""])
    if audio is not None and video is not None:
        lips = _lips_for_speech(graph, config)
        _add_mouth(graph, config, lips)
        if fusion.uses_lips:
            graph.connect(lips, "fuse.lips", Bounds(items=4096, duration=micros(60)))
            if config.face.features_rate > 0:
                _add_speaking(graph, config)
        if config.fusion.grow is not None:
            _add_growing(graph, config)
    elif config.fusion.grow is not None:
        graph.add("no_growth", Notice("video", "without sound and picture no profile grows"))
    if config.emotion.enabled:
        from lipstream.stages.emotion.build import add_emotion

        add_emotion(graph, config, {track.prefix: track.number for track in tracks})
    if config.events.lsl:
        _add_lsl(graph, config)
    if "audio" in graph.components:
        _add_sounds(graph, config)
    graph.switches = Switches((SOUND, PICTURE, LIPS, EMOTION))
    # The order in which a live run that cannot keep up leaves work out; sound is not among it.
    graph.sheds = _sheds(graph, config)
    if config.stages:
        from lipstream.stages.placement import add_stages

        add_stages(graph, config)
    return graph


def _parts_voices(config: Config) -> bool:
    """Whether two people in view who speak at once are told apart: where two are looked at, and nobody has enrolled."""
    told = config.speakers.enabled and config.speakers.overlaps and config.face.max_faces > 1
    return told and config.fusion.general and profile_of(config) is None


def _why_no_profile(config: Config) -> str | None:
    """Why a profile that is wanted cannot help; None if it can, or none is wanted."""
    lips, speech = f"the lips of profile '{config.fusion.profile}'", config.speech
    if config.fusion.profile is None:
        return None
    if not config.video.enabled:
        return f"the picture is switched off, so {lips} cannot help"
    if speech.task != "transcribe":
        return f"a profile translates nothing, so {lips} cannot help"
    if profile_of(config) is None:
        return f"a profile reads English only (speech.language is {speech.language}), so {lips} cannot help"
    return None


def _sheds(graph: Graph, config: Config) -> tuple[Shed, ...]:
    """What can be left out of what there is."""
    seen, heard = "video" in graph.components, "audio" in graph.components
    # Without a picture emotion is judged by the voice alone.
    emotion_rate = EMOTION_RATE if seen else replace(EMOTION_RATE, modality="audio")
    choice = choose(config)
    two = heard and choice.first != choice.final
    wanted = {
        CORRECTIONS: "correct" in graph.components,
        SECOND_PASS: two,
        FACE_RATE: seen,
        emotion_rate: "emotion" in graph.components,
        PARTIALS: heard and config.partials,
    }
    return tuple(shed for shed, there in wanted.items() if there)


def make_fusion(config: Config, listener: SpeechEngine | None = None) -> Fusion:
    """What stands between the listener and the recogniser: lips of an enrolled user, of anybody, or none.

    Args:
        config: the configuration.
        listener: the engine whose frames are refined; a new one by default.

    Raises:
        UserError: there is no such profile.
    """
    name, choice = profile_of(config), choose(config)
    enrolled = None if name is None else _lips_of(name)
    if not config.fusion.general:
        return enrolled or AudioOnlyFusion()
    from lipstream.models.av_speech.general_fusion import GeneralFusion, thresholds_for
    from lipstream.models.av_speech.profile_fusion import ProfileFusion

    if enrolled is not None and choice.final != MOONSHINE:
        return ProfileFusion(None, enrolled)
    thresholds = thresholds_for(choice.final)
    if MOONSHINE not in (choice.first, choice.final):
        # Nobody reads the frames, so the softened sound need not be encoded.
        return GeneralFusion(None, enrolled, thresholds)
    return GeneralFusion(listener or recognisers.listener(config.speech.threads), enrolled, thresholds)


def _lips_of(name: str) -> LipFusion:
    need_torch(f"the profile {name!r}")
    from lipstream.models.av_speech.lip_fusion import LipFusion
    from lipstream.models.av_speech.profile import check_profile, load_profile

    with while_loading():
        check_profile(name)
    return LipFusion(lambda: load_profile(name))


def _live_sources(config: Config) -> tuple[Source | None, Source | None]:
    heard = SystemSound if config.audio.source == "system" else Microphone
    return (
        heard(config.audio) if config.audio.enabled else None,
        Camera(config.video, config.face.max_fps) if config.video.enabled else None,
    )


def add_speech_branch(
    graph: Graph,
    config: Config,
    source: Source,
    fusion: Fusion | None = None,
    listener: SpeechEngine | None = None,
    *,
    ahead: bool = False,
    track: SpeakerTrack | None = None,
) -> None:
    """Add sound to text to a graph.

    Args:
        graph: where to add it.
        config: the configuration.
        source: what delivers the sound, on its port "audio".
        fusion: what stands between encoder and decoder; sound alone by default.
        listener: the engine whose frames others use; a new one by default.
        ahead: whether others are to be told where a voice is heard before its mouths are known.
        track: whose sound it is, where all of it is one speaker's.
    """
    fusion = fusion or AudioOnlyFusion()
    listener = listener or recognisers.listener(config.speech.threads)
    reading = make_reading(config, listener)
    again, precedence = None, None
    # A track's finals are published in their turn, in parts: nobody knows them by then.
    if track is None and reads_again(config, reading):
        again = reading_again(config, reading, listener)
        precedence = None if config.media_time else Precedence()
        reading = reading if precedence is None else with_precedence(reading, precedence)
    live_buffer = micros(config.audio.buffer)
    # Where nobody waits, what takes longest to load is loaded while the pictures are looked at already.
    early = config.real_time
    add_voice_activity(graph, config, source, SileroVad(), ahead=ahead)
    graph.add("encode", Encode(listener, config.speech.update_interval if config.partials else None, early=early))
    skew_limit = None if config.lossless else micros(config.fusion.skew_limit)
    # Live, sound may be as late as its buffer is long, and its lips must still be there.
    lateness = 0.0 if config.lossless else config.audio.buffer
    history = config.vad.max_segment + lateness
    # Of a track all words are its speaker's.
    most = MOST_LIVE if config.real_time else math.inf
    graph.add("fuse", Fuse(fusion, history, parts=track is None and _parts_voices(config), most=most), skew_limit)
    # What is decoded may be two seconds older than the newest mouth: the end of a long segment is held back.
    joined = max(reading.join, MOST_UNREAD if reading.onward else 0.0)
    longest = history + config.vad.cut_lookback + 1.0 + joined * (1 + LONGEST_PAUSE)
    decode = Decode(
        reading,
        only_on_camera=config.speech.only_on_camera,
        history=longest,
        early=early,
        wait=None if track is None else reading_wait(config),
        of_one=track is not None,
    )
    graph.add("decode", decode, skew_limit=0)
    if again is not None:
        graph.add("correct", Correct(again, precedence), skew_limit=0)
    spoken = "fuse.speech"
    if track is not None:
        graph.add("who", OfTrack(track.number, track.name, longest), skew_limit=0)
        spoken = "who.speech"
    elif config.speakers.enabled:
        from lipstream.stages.speaker.build import add_speakers, connect_finals

        add_speakers(graph, config, longest)
        connect_finals(graph)
        spoken = "who.speech"
    if again is not None:
        _connect_corrections(graph, config)
    # Sound is never dropped: when recognition is behind, these channels fill up to the live buffer.
    graph.connect("vad.speech", "encode.speech", Bounds(items=65536, duration=max(micros(2), live_buffer)))
    # Live, updates would only grow old there: while one waits, the next is merged with those behind it.
    updates = Bounds(items=4 if config.lossless else 1, duration=live_buffer)
    graph.connect("encode.speech", "fuse.speech", updates)
    if spoken != "fuse.speech":
        graph.connect("fuse.speech", "who.speech", updates)
    graph.connect(spoken, "decode.speech", updates)
    # How late the sound is tells the load.
    graph.paced |= {"vad", "encode", "decode"}


def _connect_corrections(graph: Graph, config: Config) -> None:
    """Let finals be read once more; whoever makes them never waits for that."""
    finished, voice = (SMALL_BOUNDS if config.media_time else Bounds(Policy.DROP_OLDEST, items=n) for n in (16, 64))
    graph.connect("decode.finished", "correct.finished", finished)
    graph.connect("vad.speech", "correct.voice", voice)
    if config.speakers.enabled:
        from lipstream.stages.speaker.build import connect_corrected

        connect_corrected(graph)


def _add_tracks(graph: Graph, config: Config, tracks: Sequence[SpeakerTrack], seen: bool, ahead: bool) -> None:
    """Add a branch from sound to text for each track, and show all of them the lips in view, if there are any.

    What is heard on a track is its speaker's, so nothing is taken away from it, and a pause on it is a pause, whatever
    the mouth in view does, which may be another's. Lips tell whose face is whose, and who is off camera.
    """

    def add_branch(branch: Graph, track: SpeakerTrack) -> None:
        judge = _judge_of_mouths(config) if seen else AudioOnlyFusion()
        add_speech_branch(branch, config, track.source, judge, ahead=ahead, track=track)

    add_tracks(graph, config, tracks, add_branch)
    if not seen:
        return
    lips = _lips_for_speech(graph, config)
    graph.add("mouth", MouthWatch(LIP_RATE))
    graph.connect(lips, "mouth.lips", Bounds(items=64))
    bounds = Bounds(items=4096, duration=micros(160))
    for track in tracks:
        graph.connect("mouth.mouths", f"{track.prefix}decode.mouths", bounds)
        graph.connect("mouth.mouths", f"{track.prefix}who.mouths", bounds)
        if config.fusion.general:
            graph.connect(lips, f"{track.prefix}fuse.lips", Bounds(items=4096, duration=micros(60)))


def _judge_of_mouths(config: Config) -> Fusion:
    """Tells whether the mouth in view is the voice, and leaves the sound as it is."""
    if not config.fusion.general:
        return AudioOnlyFusion()
    from lipstream.models.av_speech.general_fusion import GeneralFusion

    return GeneralFusion(None, softens=False)


def _lips_for_speech(graph: Graph, config: Config) -> str:
    """The port with the lips that have a say in the text: at the rate the networks know, whatever `lips.rate` is."""
    if config.lips.rate == LIP_RATE:
        return "lips.lips"
    graph.add("speech_lips", LipStream(LIP_RATE, config.lips.max_gap))
    graph.connect("face.faces", "speech_lips.faces", Bounds(items=64))
    return "speech_lips.lips"


def _add_mouth(graph: Graph, config: Config, lips: str) -> None:
    graph.add("mouth", MouthWatch(LIP_RATE))
    graph.connect(lips, "mouth.lips", Bounds(items=64))
    # Small packets; decoding takes some for each of its own.
    bounds = Bounds(items=4096, duration=micros(160))
    graph.connect("mouth.mouths", "decode.mouths", bounds)
    if config.speakers.enabled:
        from lipstream.stages.speaker.build import connect_faces

        connect_faces(graph, config)
    if config.vad.lips:
        graph.connect("mouth.mouths", "vad.mouths", bounds)


def _add_speaking(graph: Graph, config: Config) -> None:
    graph.add("speaking", SpeakingReport())
    newest = Bounds(Policy.DROP_OLDEST, items=8, duration=micros(600))
    graph.connect(
        "fuse.speech", "speaking.speech", Bounds(items=4, duration=micros(600)) if config.lossless else newest
    )


def _add_sounds(graph: Graph, config: Config) -> None:
    # Live, captions do not wait for it: what it has no time for is left out.
    newest = Bounds(Policy.DROP_OLDEST, items=512, duration=micros(5))
    bounds = Bounds(items=512) if config.lossless else newest
    if config.sounds.enabled:
        from lipstream.models.sounds.yamnet import Yamnet
        from lipstream.stages.sound.sound_events import SoundEvents

        graph.add("sounds", SoundEvents(Yamnet()))
        graph.connect("audio.audio", "sounds.audio", bounds)
    elif config.tells_loud_sounds and "vad" in graph.components:
        from lipstream.stages.sound.loud_sounds import LoudSoundEvents

        graph.add("sounds", LoudSoundEvents())
        graph.connect("vad.windows", "sounds.windows", bounds)


def _add_growing(graph: Graph, config: Config) -> None:
    """What a profile grows from: see docs/enrolling.md."""
    name = config.fusion.grow
    if config.mode != "live" or not config.fusion.general or name is None:
        raise UserError("fusion.grow learns from live use, with fusion.general=true, which tells whose voice is heard")
    from lipstream.stages.enrol.growth_of import connect_growing, growth_of

    connect_growing(graph, config, lambda history: growth_of(name, config, history))


def _add_lsl(graph: Graph, config: Config) -> None:
    if not config.real_time:
        raise UserError("events.lsl sends what is happening now: it needs a live run, or pace=realtime")
    from lipstream.stages.sinks.data.lsl import LslOutlets, library

    graph.add("lsl", LslOutlets(library()))


def _looking(config: Config) -> Looking | None:
    """Which pictures are looked at; None for all: where somebody waits, a voice would be known too late."""
    if config.face.looks == "every" or not config.media_time or config.fusion.profile is not None:
        return None
    return Looking(LookRates.of(config.face))


def _add_voices(graph: Graph, config: Config, branches: Sequence[str]) -> None:
    """Tell the face stage where a voice is heard, in any of some branches, by what their names begin with."""
    listening = VoicesAhead.of_streams(len(branches))
    graph.add("voices_ahead", listening(low_threshold(config.vad.threshold), AHEAD))
    for prefix, port in zip(branches, listening.inputs, strict=True):
        graph.connect(f"{prefix}speech_probability.audio", f"voices_ahead.{port}", SOUND_BOUNDS)
    graph.connect("voices_ahead.voices", "face.voices", Bounds(items=4096, duration=micros(600)))


def _add_face_branch(graph: Graph, config: Config, source: Source, looking: Looking | None, *, others: bool) -> None:
    add_lips(graph, config, source, config.lips.rate, looking, others=others)
    if config.lips.report_rate > 0:
        graph.add("lip_report", LipReport(config.lips.rate, config.lips.report_rate))
        graph.connect("lips.lips", "lip_report.lips", Bounds(items=64))
    if config.face.features_rate > 0:
        graph.add("face_features", FeatureReport(config.face.features_rate, config.face.landmarks))
        graph.connect("face.views", "face_features.views", pictures(config))
    if config.face.report_rate > 0:
        graph.add("face_report", FaceReport(config.face.report_rate))
        graph.connect("face.views", "face_report.views", pictures(config))
