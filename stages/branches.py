"""What every graph has in common that hears or sees: sound to speech segments, pictures to lips."""

from __future__ import annotations

from lipstream.config import Config
from lipstream.models.face import backend
from lipstream.models.face.identity import FaceEmbedder
from lipstream.pipeline import Bounds, Graph, Policy, Source, micros
from lipstream.stages.face.face import Face
from lipstream.stages.face.lips import LipStream
from lipstream.stages.face.looking import Looking
from lipstream.stages.failures import while_loading
from lipstream.stages.speech.speech_probability import SpeechProbability
from lipstream.stages.speech.voice_activity import VoiceActivity, VoiceDetector

SOUND_BOUNDS = Bounds(items=8192, duration=micros(4))
"""Of channels of sound, which is never dropped: when what follows is behind, they fill up."""
SMALL_BOUNDS = Bounds(items=65536, duration=micros(3600))
"""Of small packets: one side of a join may run far ahead of the other in a file."""


def add_voice_activity(
    graph: Graph, config: Config, source: Source, detector: VoiceDetector, *, ahead: bool = False
) -> None:
    """Add `audio` and `vad`, whose port "speech" gives segments.

    Args:
        graph: where to add them.
        config: the configuration.
        source: what delivers the sound, on its port "audio".
        detector: tells speech from other sound.
        ahead: others are told what the detector says too, before the mouths are known: by `speech_probability`, which
            stands between the two.
    """
    graph.add("audio", source)
    # Live, mouths come as they come: sound never waits for them.
    vad = VoiceActivity(None if ahead else detector, config.vad, config.audio.report_rate)
    graph.add("vad", vad, skew_limit=0)
    if ahead:
        graph.add("speech_probability", SpeechProbability(detector))
        graph.connect("audio.audio", "speech_probability.audio", SOUND_BOUNDS)
        graph.connect("speech_probability.audio", "vad.audio", SOUND_BOUNDS)
    else:
        graph.connect("audio.audio", "vad.audio", SOUND_BOUNDS)


def add_lips(
    graph: Graph,
    config: Config,
    source: Source,
    rate: float,
    looking: Looking | None = None,
    *,
    others: bool = False,
) -> None:
    """Add `video`, `face` and `lips`, whose port "lips" gives the lips of the speaker's face.

    Args:
        graph: where to add them.
        config: the configuration.
        source: what delivers the pictures, on its port "video".
        rate: lip frames a second.
        looking: at which pictures to look; None for all of them.
        others: whether the lips of others who move theirs are wanted too.
    """
    face = config.face
    with while_loading():
        networks = backend.create(face.backend, face.max_faces, face.min_confidence, face.threads, face.range)
    graph.add("video", source)
    embedder = FaceEmbedder() if face.identity else None
    graph.add("face", Face(networks, face.max_gap, looking, embedder, others=others))
    graph.add("lips", LipStream(rate, config.lips.max_gap))
    graph.connect("video.video", "face.video", pictures(config))
    graph.connect("face.faces", "lips.faces", Bounds(items=64))


def pictures(config: Config) -> Bounds:
    """Of a channel of decoded pictures, which are large: a few in a file, only the newest one live."""
    return Bounds(items=8) if config.lossless else Bounds(Policy.LATEST, items=1)
