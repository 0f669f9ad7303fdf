"""What happens to a live run when the program that listens to it misbehaves."""

from __future__ import annotations

from pathlib import Path

from lipstream.events import TranscriptFinal
from lipstream.pipeline import Event
from tests.faults.run import with_hooks
from tests.faults.scripts import nothing
from tests.faults.world import World
from tests.pipeline.fakes import trap

BOTH = ["one two three", "four five six"]


def errors(result):
    return [(event["stage"].rpartition(".")[2], event["message"], event["recoverable"]) for event in result.of("Error")]


def test_a_slow_hook_misses_events_and_nobody_else_does(world: World, tmp_path: Path, quick_stop):
    with trap() as slow:

        def hook(event):
            slow()

        result = with_hooks(world, nothing, tmp_path, (Event, hook))
        # The run has ended although the hook has not come back from its first event.
        assert not slow.released.is_set()
    assert errors(result) == [("hook", "the hook is too slow, events for it are being dropped", True)]
    assert result.text == BOTH
    # The hook has come back from none; how many there are depends on how many pictures the machine has time for.
    assert len(result.of("LipActivity")) > 1
    assert [event["event"] for event in result.events].count("End") == 1 and result.events[-1]["event"] == "End"


def test_a_raising_hook_is_reported_once_and_called_again(world: World, tmp_path: Path):
    seen: list[str] = []

    def hook(event):
        seen.append(event.text)
        raise ValueError("no such column")

    result = with_hooks(world, nothing, tmp_path, (TranscriptFinal, hook))
    assert errors(result) == [("hook", "the hook raised ValueError: no such column", True)]
    assert seen == result.text == BOTH
    assert result.events[-1]["reason"] == "stopped"


def test_a_hook_that_calls_stop_ends_the_run_with_everything_kept(world: World, tmp_path: Path):
    def hook(event):
        world.pipeline.stop()

    result = with_hooks(world, nothing, tmp_path, (TranscriptFinal, hook))
    assert errors(result) == []
    assert result.text[0] == BOTH[0]
    assert [event["event"] for event in result.events].count("End") == 1
    assert (result.events[-1]["event"], result.events[-1]["reason"]) == ("End", "stopped")
