"""Several things wrong with one modality at a time: each lasts until it is over itself."""

from __future__ import annotations

import itertools
import random

import pytest

from lipstream.pipeline import Degraded, Recovered, Source
from lipstream.pipeline.testing import run_source


class Scripted(Source):
    def __init__(self, script) -> None:
        self._script = script

    def produce(self) -> bool:
        self._script(self)
        return False


def told(script) -> list[tuple[str, str]]:
    """What is told, in order: modality and reason, with "back" for `Recovered`."""
    events = run_source(Scripted(script)).events
    return [(event.modality, event.reason if isinstance(event, Degraded) else "back") for event in events]


def test_recovered_comes_when_the_last_trouble_is_over():
    def script(source):
        source.degrade("audio", "muted", "mute")
        source.degrade("audio", "overflow", "loss")
        source.recover("audio", "mute")
        assert source.degraded == {"audio": "overflow"}
        source.recover("audio", "loss")
        assert source.degraded == {}

    assert told(script) == [("audio", "muted"), ("audio", "overflow"), ("audio", "back")]


def test_what_was_overtaken_and_is_not_over_is_told_again():
    def script(source):
        source.degrade("audio", "muted", "mute")
        source.degrade("audio", "overflow", "loss")
        source.recover("audio", "loss")

    assert told(script) == [("audio", "muted"), ("audio", "overflow"), ("audio", "muted")]


def test_the_same_reason_is_told_once_and_another_one_takes_its_place():
    def script(source):
        source.degrade("video", "frozen")
        source.degrade("video", "frozen")
        source.degrade("video", "unplugged")
        source.recover("video")
        source.recover("video")

    assert told(script) == [("video", "frozen"), ("video", "unplugged"), ("video", "back")]


def test_modalities_and_unnamed_troubles_do_not_touch_each_other():
    def script(source):
        source.degrade("audio", "network", "")
        source.degrade("audio", "gone", "gone")
        source.degrade("video", "network")
        source.recover("audio")
        source.recover("video")
        source.recover("audio", "never")

    assert told(script) == [("audio", "network"), ("audio", "gone"), ("video", "network"), ("video", "back")]


@pytest.mark.parametrize("seed", range(20))
def test_whoever_follows_the_events_knows_what_holds(seed: int):
    choose = random.Random(seed)
    held: set[str] = set()
    kinds: list[type] = []

    class Followed(Scripted):
        shown: str | None = None

        def publish(self, event):
            kinds.append(type(event))
            self.shown = event.reason if isinstance(event, Degraded) else None

    def script(source):
        for _ in range(200):
            name = choose.choice(["", "mute", "loss", "gone"])
            if choose.random() < 0.4:
                source.degrade("audio", f"reason {name}", name)
                held.add(f"reason {name}")
            else:
                source.recover("audio", name)
                held.discard(f"reason {name}")
            assert source.shown in (held or {None})

    run_source(Followed(script))
    assert Recovered in kinds and Degraded in kinds
    assert not any(one is other is Recovered for one, other in itertools.pairwise(kinds))
