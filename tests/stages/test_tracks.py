"""Each sound track of a recording a speaker of its own, with networks that cost nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import lipstream.stages.build as build
from lipstream import Pipeline
from lipstream.config import load_config
from lipstream.events import FacesLooked, Remark, SpeakerNamed, SpeechEnded, TranscriptFinal, TranscriptPartial
from lipstream.models.face import backend
from lipstream.models.speech import recognisers
from lipstream.models.speech.split import SplitRecogniser
from lipstream.pipeline import Degraded, UserError
from lipstream.stages.media.tracks import AudioTrack
from lipstream.stages.sinks import JsonWriter, RttmWriter, SrtWriter
from lipstream.stages.speech.fuse import Fuse
from lipstream.stages.tracks import names_of
from tests.hostile.fake_networks import FaceInTheMiddle, HostileEngine
from tests.media_factory import Picture, Sound, moving, write_media
from tests.stages.speech.fake_vad import LoudnessVad

RATE = 16_000
QUICK = {"audio.track": "each", "emotion.enabled": False, "speech.quality": "fast", "events.stats_interval": 0}


class Counting(HostileEngine):
    """Hears a word in every segment."""

    def decode(self, encoding, prefix=(), draft=()):
        return super().decode(encoding)

    def words(self, tokens):
        return super().words(tokens)[:1]


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognisers, "listener", lambda threads: HostileEngine())
    monkeypatch.setattr(recognisers, "create", lambda *_: SplitRecogniser(Counting(), is_listener=True))
    monkeypatch.setattr(build, "SileroVad", lambda: LoudnessVad(0.1))
    monkeypatch.setattr(build, "_judge_of_mouths", lambda config: build.AudioOnlyFusion())
    monkeypatch.setattr(backend, "create", lambda *_: FaceInTheMiddle(1, 0.5))


def voice(*spans: tuple[float, float], seconds: float = 8.0) -> np.ndarray:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * RATE))
    times = np.arange(len(noise)) / RATE
    spoken = np.any([(times >= start) & (times < end) for start, end in spans], axis=0) if spans else 0 * times
    return (noise * spoken).astype(np.float32)[None]


def track(*spans: tuple[float, float], **tags: str) -> Sound:
    return Sound(voice(*spans), RATE, codec="flac", tags=tags)


ANN = track((0.5, 1.5), (5.0, 6.0), title="Ann")
BOB = track((2.5, 3.5), title="Bob")


def events_of(path: Path, **settings: object) -> list:
    return list(Pipeline(load_config("file", {"input": str(path), **QUICK, **settings})).events())


def spoken(events) -> list[tuple[int, str, int]]:
    """Who speaks, and in what second."""
    return [
        (event.speaker, event.speaker_name, int(event.start)) for event in events if isinstance(event, TranscriptFinal)
    ]


def test_each_track_is_a_speaker_with_the_name_of_the_track_in_one_transcript(tmp_path: Path):
    path = write_media(tmp_path / "a.mkv", ANN, more=[BOB])
    events = events_of(path)
    assert spoken(events) == [(1, "Ann", 0), (2, "Bob", 2), (1, "Ann", 4)]
    words = [word for event in events if isinstance(event, TranscriptFinal) for word in event.words]
    assert [word.speaker for word in words] == [1, 2, 1]
    assert {(each.speaker, each.name) for each in events if isinstance(each, SpeakerNamed)} == {(1, "Ann"), (2, "Bob")}
    ended = {each.segment: each.start for each in events if isinstance(each, SpeechEnded)}
    finals = [each for each in events if isinstance(each, TranscriptFinal)]
    assert all(each.start == pytest.approx(ended[each.segment], abs=0.5) for each in finals)
    told = [each.text for each in events if isinstance(each, Remark)]
    assert told == ["each of the 2 tracks is a speaker: 1 (Ann), 2 (Bob)"]
    again = [event.to_dict() for event in events_of(path)]
    assert [each for each in again if each["event"] != "Stats"] == [
        each for each in (event.to_dict() for event in events) if each["event"] != "Stats"
    ]


def test_the_outputs_have_the_speakers(tmp_path: Path):
    path = write_media(tmp_path / "a.mkv", ANN, more=[BOB])
    pipeline = Pipeline(load_config("file", {"input": str(path), **QUICK}))
    pipeline.rename(2, "Robert")
    for name, writer in (("json", JsonWriter), ("rttm", RttmWriter), ("srt", SrtWriter)):
        pipeline.add_sink(name, writer(tmp_path / f"a.{name}"))
    pipeline.run()
    data = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert [(each["id"], each["name"]) for each in data["speakers"]] == [(1, "Ann"), (2, "Robert")]
    assert [each["speaker"] for each in data["segments"]] == [1, 2, 1]
    lines = [line.split() for line in (tmp_path / "a.rttm").read_text(encoding="utf-8").splitlines()]
    assert [(line[7], float(line[3])) for line in lines] == [
        ("Ann", pytest.approx(0.5, abs=0.4)),
        ("Robert", pytest.approx(2.5, abs=0.4)),
        ("Ann", pytest.approx(5.0, abs=0.4)),
    ]
    assert (tmp_path / "a.srt").read_text(encoding="utf-8").count("-->") == 3
    with pytest.raises(UserError, match="each of the 2 sound tracks is one"):
        pipeline.rename(3, "Eve")


def test_a_track_in_which_nobody_speaks_is_said_to_be_so(tmp_path: Path):
    path = write_media(tmp_path / "a.mkv", ANN, more=[track(title="Bob")])
    events = events_of(path)
    assert spoken(events) == [(1, "Ann", 0), (1, "Ann", 4)]
    remarks = {(each.kind, each.text) for each in events if isinstance(each, Remark)}
    assert ("track", "track 2 (Bob): the sound is silent") in remarks and {kind for kind, _ in remarks} == {"track"}


def test_that_nobody_speaks_on_any_track_is_said_of_the_recording(tmp_path: Path):
    path = write_media(tmp_path / "a.mkv", track(title="Ann"), more=[track(title="Bob")])
    assert "no_speech" in [each.kind for each in events_of(path) if isinstance(each, Remark)]


def test_faces_are_looked_at_where_any_of_the_tracks_has_a_voice(tmp_path: Path):
    picture = Picture(moving(4 * 25, 96, 64))
    path = write_media(tmp_path / "a.mkv", ANN, picture, more=[BOB])
    events = events_of(path)
    assert [speaker for speaker, _, _ in spoken(events)] == [1, 2, 1]
    often = [each for each in events if isinstance(each, FacesLooked) and each.rate > 10]
    assert any(each.start < 1 < each.end for each in often)
    assert any(each.start < 3 < each.end for each in often)


def test_where_somebody_waits_text_is_shown_as_it_is_said_and_finals_come_in_order(tmp_path: Path):
    path = write_media(tmp_path / "a.mkv", ANN, more=[BOB])
    events = events_of(path, **{"speech.partials": "on"})
    assert {each.speaker for each in events if isinstance(each, TranscriptPartial) and each.text} == {1, 2}
    assert spoken(events) == [(1, "Ann", 0), (2, "Bob", 2), (1, "Ann", 4)]


def test_what_nobody_could_read_comes_in_its_turn_with_its_speaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Counting, "words", lambda self, tokens: [])
    path = write_media(tmp_path / "a.mkv", ANN, more=[BOB])
    finals = [each for each in events_of(path, **{"speech.mark_unclear": True}) if isinstance(each, TranscriptFinal)]
    assert [each.text for each in finals] == ["[unclear]"] * 3
    assert spoken(finals) == [(1, "Ann", 0), (2, "Bob", 2), (1, "Ann", 4)]
    assert [each.words[0].speaker for each in finals] == [1, 2, 1] and len({each.segment for each in finals}) == 3


def test_words_of_a_track_are_never_parted_between_two_mouths(tmp_path: Path):
    path = write_media(tmp_path / "a.mkv", ANN, Picture(moving(25, 96, 64)), more=[BOB])
    graph = build.build(load_config("file", {"input": str(path), **QUICK}))
    fuses = [graph.components[f"{prefix}fuse"] for prefix in ("", "track2_")]
    assert [isinstance(fuse, Fuse) and fuse.parts for fuse in fuses] == [False, False]


def test_of_one_track_each_changes_nothing_and_says_so(tmp_path: Path):
    path = write_media(tmp_path / "a.mkv", ANN)
    events = events_of(path, **{"speakers.enabled": False})
    assert [each[0] for each in spoken(events)] == [None, None]
    reasons = [each.reason for each in events if isinstance(each, Degraded)]
    assert "there is one sound track, so audio.track=each changes nothing" in reasons


def test_live_there_are_no_tracks():
    with pytest.raises(UserError, match="is for recordings"):
        build.build(load_config("live", {"audio.track": "each"}))


def test_a_profile_is_of_one_person(tmp_path: Path):
    path = write_media(tmp_path / "a.mkv", ANN, more=[BOB])
    with pytest.raises(UserError, match="a profile is of one person"):
        build.build(load_config("file", {"input": str(path), **QUICK, "fusion.profile": "ann"}))


def of(*tracks: tuple[str, str, str | None]) -> list[str | None]:
    return names_of(
        [
            AudioTrack(at, RATE, 1, 0, at + 1, len(tracks), language, title, handler)
            for at, (title, handler, language) in enumerate(tracks)
        ]
    )


def test_speakers_are_called_what_tells_the_tracks_apart():
    assert of(("Ann", "SoundHandler", "en"), ("", "Bob", "en")) == ["Ann", "Bob"]
    assert of(("", "SoundHandler", "en"), ("", "Core Media Audio", "de")) == ["en", "de"]
    assert of(("Mic", "", "en"), ("Mic", "", "en")) == [None, None]
