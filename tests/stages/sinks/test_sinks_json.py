"""The JSON file: its contract, and flat memory."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from lipstream.events import FaceFound, FaceLost, FacesLooked, LipActivity, Remark, TranscriptFinal, Word
from lipstream.models.used import used
from lipstream.pipeline import End, Event, Stats
from lipstream.stages.sinks import JsonWriter
from lipstream.version import version

BOX = (0.1, 0.1, 0.5, 0.5)


def result(tmp_path: Path, *events: Event) -> dict:
    writer = JsonWriter(tmp_path / "talk.json", "videos/talk.mp4")
    for event in events:
        writer.handle(event)
    writer.close()
    return json.loads(writer.path.read_text(encoding="utf-8"))


def lips(time: float, face: int = 1) -> LipActivity:
    return LipActivity(face=face, time=time, aperture=0.123456, motion=0.0, emitted=time)


def test_the_object_is_the_contract_with_its_keys_in_order(tmp_path: Path):
    word = Word(word="Hello.", start=0.50049, end=1.0, confidence=0.98765, lip_gate=0.12345)
    data = result(
        tmp_path,
        FaceFound(face=1, time=0.04, box=BOX),
        lips(0.04),
        TranscriptFinal(segment=1, start=0.50049, end=1.0, text="Hello.", words=(word,), face=1, language="en"),
        FaceLost(face=1, start=0.04, time=4.0),
        FacesLooked(start=0.0, end=4.96, rate=12.5, reason="speech"),
        Stats(wall=2.5, stages={"vad": {"packets_in": 10.0}}, channels={}, counters={}),
        End(reason="finished", duration=5.0),
    )
    assert list(data) == [
        "lipstream",
        "schema_version",
        "source",
        "duration",
        "complete",
        "language",
        "segments",
        "faces",
        "speakers",
        "lips",
        "emotions",
        "sounds",
        "rates",
        "looks",
        "settings",
        "models",
        "remarks",
        "stats",
    ]
    assert data == {
        "lipstream": version(),
        "schema_version": 1,
        "source": "videos/talk.mp4",
        "duration": 5.0,
        "complete": True,
        "language": "en",
        "segments": [
            {
                "start": 0.5,
                "end": 1.0,
                "text": "Hello.",
                "face": 1,
                "off_camera": False,
                "language": "en",
                "speaker": None,
                "speaker_name": None,
                "overlaps": False,
                "words": [
                    {
                        "word": "Hello.",
                        "start": 0.5,
                        "end": 1.0,
                        "confidence": 0.988,
                        "lip_gate": 0.123,
                        "speaker": None,
                    }
                ],
            }
        ],
        "faces": [{"id": 1, "start": 0.04, "end": 4.0}],
        "speakers": [],
        "lips": [{"time": 0.04, "face": 1, "aperture": 0.1235}],
        "emotions": [],
        "sounds": [],
        "rates": {"faces": None, "lips": None, "expressions": None, "emotions": None},
        "looks": [{"start": 0.0, "end": 4.96, "rate": 12.5, "reason": "speech"}],
        "settings": None,
        "models": used(),
        "remarks": [],
        "stats": {"rtf": 0.5, "wall_seconds": 2.5, "stages": {"vad": {"packets_in": 10.0}}},
    }


class Live:
    """The surroundings of a live run, as far as a writer asks for them."""

    lossless = False
    name = "json writer"


@pytest.mark.parametrize(
    ("reason", "live", "complete"),
    [
        ("finished", False, True),
        ("stopped", False, False),
        ("failed", False, False),
        ("finished", True, True),
        ("stopped", True, True),
        ("failed", True, False),
        (None, False, False),
        (None, True, False),
    ],
)
def test_the_object_says_whether_the_run_came_to_its_end(
    tmp_path: Path, reason: str | None, live: bool, complete: bool
):
    writer = JsonWriter(tmp_path / "talk.json", "talk.mp4")
    if live:
        writer.attach(Live())
    writer.handle(FaceFound(face=1, time=0.04, box=BOX))
    assert '"complete": false' in writer.part.read_text()
    if reason is not None:
        writer.handle(End(reason=reason, duration=123456.789))
    writer.close()
    data = json.loads(writer.path.read_text())
    assert data["complete"] is complete
    assert data["duration"] == (0.0 if reason is None else 123456.789)
    assert data["language"] is None


def test_an_empty_run_is_a_whole_object(tmp_path: Path):
    data = result(tmp_path, End(reason="finished", duration=0.0))
    assert (data["segments"], data["faces"], data["lips"]) == ([], [], [])
    assert data["stats"] == {"rtf": None, "wall_seconds": None, "stages": {}}


def test_a_face_that_is_there_to_the_end_ends_with_the_recording(tmp_path: Path):
    data = result(
        tmp_path,
        FaceFound(face=1, time=0.0, box=BOX),
        FaceFound(face=2, time=1.0, box=BOX),
        FaceLost(face=2, start=1.0, time=2.0),
        End(reason="finished", duration=9.5),
    )
    assert data["faces"] == [{"id": 1, "start": 0.0, "end": 9.5}, {"id": 2, "start": 1.0, "end": 2.0}]


def test_lips_are_thinned_to_25_a_second(tmp_path: Path):
    data = result(tmp_path, *(lips(index / 100) for index in range(1000)), End(reason="finished", duration=10.0))
    times = [record["time"] for record in data["lips"]]
    assert 200 <= len(times) <= 250
    assert times == sorted(times)


def test_lips_at_25_a_second_are_all_kept(tmp_path: Path):
    data = result(tmp_path, *(lips(index / 25) for index in range(100)), End(reason="finished", duration=4.0))
    assert len(data["lips"]) == 100


def test_a_run_that_breaks_off_is_a_whole_object_up_to_there(tmp_path: Path):
    data = result(tmp_path, FaceFound(face=1, time=0.5, box=BOX), lips(3.0))
    assert data["duration"] == 3.0
    assert data["faces"] == [{"id": 1, "start": 0.5, "end": 3.0}]
    assert len(data["lips"]) == 1


def test_memory_does_not_grow_with_the_length_of_the_run(tmp_path: Path):
    writer = JsonWriter(tmp_path / "talk.json")

    def feed(first: int, last: int) -> None:
        for number in range(first, last):
            word = Word(word="word", start=number, end=number + 0.5, confidence=0.5)
            writer.handle(lips(float(number)))
            writer.handle(TranscriptFinal(segment=number, start=number, end=number + 0.5, text="word", words=(word,)))

    feed(0, 1000)
    tracemalloc.start()
    feed(1000, 6000)
    writer.handle(End(reason="finished", duration=6000.0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(json.loads(writer.path.read_text())["lips"]) == 6000
    # The records alone are over a megabyte.
    assert peak < 400_000


def test_the_language_of_the_whole_is_that_of_most_words(tmp_path: Path):
    def final(text: str, language: str | None) -> TranscriptFinal:
        words = tuple(Word(word=word, start=1.0, end=2.0, confidence=0.9) for word in text.split())
        return TranscriptFinal(segment=1, start=1.0, end=2.0, text=text, words=words, language=language)

    spoken = [final("guten Tag zusammen", "de"), final("hello", "en"), final("hello", "en"), final("a b c d e", None)]
    data = result(tmp_path, *spoken, End(reason="finished", duration=5.0))
    assert data["language"] == "de"
    assert [segment["language"] for segment in data["segments"]] == ["de", "en", "en", None]


def test_what_is_good_to_know_of_the_recording_is_there(tmp_path: Path):
    remark = Remark(modality="audio", kind="no_speech", text="no speech was heard")
    data = result(tmp_path, remark, End(reason="finished", duration=5.0))
    assert data["remarks"] == [{"modality": "audio", "kind": "no_speech", "text": "no speech was heard"}]
    assert data["segments"] == [] and data["complete"]
