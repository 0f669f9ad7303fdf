"""Sound that is gone, muted and lost in parts, in any order and at the same time."""

from __future__ import annotations

from lipstream.pipeline import Degraded, Recovered, Source
from lipstream.pipeline.testing import run_source
from lipstream.stages.sound.troubles import SoundTroubles

SECOND = 1_000_000


class Scripted(Source):
    def __init__(self, script) -> None:
        self._script = script

    def produce(self) -> bool:
        self._script(SoundTroubles(self))
        return False


def told(script) -> list[str]:
    """What is told, in order: reasons, and "back"."""
    events = run_source(Scripted(script)).events
    assert all(isinstance(event, (Degraded, Recovered)) for event in events)
    return [event.reason if isinstance(event, Degraded) else "back" for event in events]


def mute(troubles: SoundTroubles, start: int, end: int) -> None:
    for second in range(start, end + 1):
        troubles.hear_nothing(second * SECOND, "muted")


def test_a_loss_that_is_over_does_not_end_a_mute():
    def script(troubles):
        mute(troubles, 0, 12)
        troubles.miss(12 * SECOND, "lost")
        troubles.look(13 * SECOND)
        troubles.look(15 * SECOND)
        mute(troubles, 13, 40)

    assert told(script) == ["muted", "lost", "muted"]


def test_a_mute_that_ends_before_a_loss_is_over_is_not_told_again():
    def script(troubles):
        mute(troubles, 0, 12)
        troubles.miss(12 * SECOND, "lost")
        troubles.hear()
        troubles.look(15 * SECOND)

    assert told(script) == ["muted", "lost", "back"]


def test_losses_in_a_row_are_told_once_and_are_over_two_seconds_after_the_last():
    def script(troubles):
        for second in range(10):
            troubles.miss(second * SECOND, f"lost {second}")
            troubles.look(second * SECOND)
        troubles.look(11 * SECOND)
        troubles.miss(11 * SECOND, "lost again")
        troubles.look(14 * SECOND)
        troubles.miss(20 * SECOND, "lost later")

    assert told(script) == ["lost 0", "back", "lost later"]


def test_a_device_that_is_gone_is_neither_muted_nor_losing_sound():
    def script(troubles):
        mute(troubles, 0, 12)
        troubles.miss(12 * SECOND, "lost")
        troubles.lose("gone")
        assert troubles.gone
        troubles.look(20 * SECOND)
        troubles.find()
        assert not troubles.gone

    assert told(script) == ["muted", "lost", "gone", "back"]


def test_what_comes_back_muted_is_told_after_ten_seconds_of_silence():
    def script(troubles):
        mute(troubles, 0, 12)
        troubles.lose("gone")
        troubles.find()
        mute(troubles, 20, 29)
        mute(troubles, 30, 31)
        troubles.hear()
        mute(troubles, 32, 41)
        mute(troubles, 42, 43)

    assert told(script) == ["muted", "gone", "back", "muted", "back", "muted"]
