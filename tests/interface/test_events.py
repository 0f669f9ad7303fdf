"""Events are immutable and serialise to the JSON contract."""

from __future__ import annotations

import dataclasses
import inspect
import json
from dataclasses import dataclass

import pytest

import lipstream.events
from lipstream.events import Revision, TranscriptFinal, TranscriptPartial, Word
from lipstream.pipeline import End, Event, Stats, micros, seconds

EXAMPLES = {
    "bool": True,
    "int": 1,
    "int | None": None,
    "float": 0.5,
    "float | None": None,
    "str": "text",
    "str | None": "de",
    "tuple[Revision, ...]": (Revision(was="too", now="two"),),
    "tuple[Word, ...]": (Word(word="hi", start=0.1, end=0.3, confidence=0.9),),
    "tuple[float, float, float, float]": (0.1, 0.2, 0.3, 0.4),
    "tuple[tuple[float, float], ...]": ((0.1, 0.2), (0.3, 0.4)),
    "tuple[float, float]": (0.1, 0.2),
    "tuple[float, float, float]": (0.1, 0.2, 0.3),
    "tuple[tuple[float, float, float], ...]": ((0.1, 0.2, 0.3),),
    "tuple[float | None, ...]": (0.1, None),
    "tuple[int | None, ...]": (1, None),
    "dict[str, float]": {"a": 1.0},
    "dict[str, dict[str, float]]": {"a": {"b": 1.0}},
}
CLASSES = [
    thing
    for thing in vars(lipstream.events).values()
    if inspect.isclass(thing) and issubclass(thing, Event) and thing is not Event
]


def example(event_class: type[Event]) -> Event:
    return event_class(**{field.name: EXAMPLES[str(field.type)] for field in dataclasses.fields(event_class)})


def test_every_event_of_the_design_is_exported():
    names = {event_class.__name__ for event_class in CLASSES}
    expected = "SpeechStarted TranscriptPartial TranscriptFinal SpeechEnded FaceFound FaceLost LipActivity Degraded "
    expected += "EmotionUpdate EmotionChanged FaceSeen SoundLevel SpeechUnclear"
    assert {*expected.split(), "Recovered", "Stats", "Error", "End"} <= names


@pytest.mark.parametrize("event_class", CLASSES)
def test_an_event_is_json_with_its_class_first_and_all_its_fields(event_class):
    event = example(event_class)
    data = json.loads(json.dumps(event.to_dict(), allow_nan=False))
    assert list(data)[:2] == ["event", "emitted"]
    assert data.pop("event") == event_class.__name__
    assert set(data) == {field.name for field in dataclasses.fields(event_class)}
    assert data["emitted"] == 0.5


@pytest.mark.parametrize("event_class", CLASSES)
def test_an_event_cannot_be_changed(event_class):
    event = example(event_class)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.emitted = 3.0


def test_only_what_a_later_event_supersedes_is_ephemeral():
    assert {event_class.__name__ for event_class in CLASSES if event_class.ephemeral} == {
        "TranscriptPartial",
        "FaceSeen",
        "FaceFeatures",
        "LipActivity",
        "SoundLevel",
        "EmotionUpdate",
        "Stats",
    }
    assert not TranscriptFinal.ephemeral and not End.ephemeral


def test_the_text_of_a_partial_is_stable_and_unstable_together():
    def text(stable: str, unstable: str) -> str:
        return TranscriptPartial(segment=1, start=0, end=1, stable=stable, unstable=unstable).text

    assert [text("I am", " here"), text("", "I"), text("I am", ""), text("", "")] == ["I am here", "I", "I am", ""]


def test_fields_that_were_added_later_may_be_left_out():
    assert Stats(wall=1, stages={}, channels={}, counters={}).consumers == {}
    assert TranscriptFinal(segment=1, start=0, end=1, text="", words=()).lip_gate == 0


def test_an_event_of_ones_own_serialises_too():
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Laughter(Event):
        loudness: float

    assert Laughter(loudness=0.5, emitted=1).to_dict() == {"event": "Laughter", "emitted": 1, "loudness": 0.5}


def test_seconds_and_microseconds_round_trip():
    assert micros(0.1 + 0.2) == 300_000
    assert seconds(1_500_000) == 1.5
    assert all(micros(seconds(value)) == value for value in (0, 1, 999_999, 10**13 + 1))
