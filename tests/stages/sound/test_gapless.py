"""One timeline without gaps, whatever a live source delivers."""

from __future__ import annotations

import threading
import tracemalloc
from itertools import pairwise
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from lipstream.pipeline import Port, Source
from lipstream.pipeline.testing import StageRun, run_source
from lipstream.stages.payloads import AudioBlock
from lipstream.stages.sound.gapless import GaplessSound


class Scripted(Source):
    """Hands its sound to a script, once."""

    outputs: ClassVar = {"audio": Port(AudioBlock)}

    def __init__(self, script) -> None:
        self._script = script
        self.returned: list[int] = []

    def produce(self) -> bool:
        self._script(GaplessSound(self), self.returned)
        return False


def play(script) -> tuple[StageRun, list[int]]:
    source = Scripted(script)
    run = run_source(source)
    for before, after in pairwise(run):
        assert before.end == after.timestamp
    assert all(len(packet.payload.samples) <= 8000 for packet in run)
    return run, source.returned


def ones(milliseconds: int) -> np.ndarray:
    return np.ones(16 * milliseconds, np.float32)


def samples_of(run: StageRun) -> np.ndarray:
    return np.concatenate([packet.payload.samples for packet in run])


def filled_of(run: StageRun) -> int:
    return sum(packet.payload.filled for packet in run)


def test_blocks_follow_each_other_from_where_the_first_one_begins():
    def script(sound, returned):
        assert not sound.begun
        returned += [sound.put(ones(20), 500_000, 520_000), sound.put(ones(20), 520_000, 540_000)]

    run, gaps = play(script)
    assert gaps == [0, 0] and run.counters == {}
    assert (run[0].timestamp, run[-1].end) == (500_000, 540_000)


def test_a_gap_is_silence_is_counted_and_its_length_is_told():
    def script(sound, returned):
        sound.put(ones(20), 0, 20_000)
        returned.append(sound.put(ones(20), 120_000, 140_000))

    run, gaps = play(script)
    assert gaps == [100_000]
    assert run.counters == {"audio.lost_seconds": pytest.approx(0.1)} and filled_of(run) == 1600
    heard = samples_of(run)
    assert not heard[320:1920].any() and heard[:320].all() and heard[1920:].all()


def test_times_that_agree_but_for_rounding_make_neither_gap_nor_cut():
    def script(sound, returned):
        sound.put(ones(20), 0, 20_000)
        returned += [sound.put(ones(20), 21_000, 41_000), sound.put(ones(20), 38_000, 58_000)]

    run, gaps = play(script)
    assert gaps == [0, 0] and run.counters == {} and len(samples_of(run)) == 3 * 320


def test_what_overlaps_the_past_is_cut_off():
    def script(sound, returned):
        sound.put(np.zeros(1600, np.float32), 0, 100_000)
        sound.put(np.arange(1600, dtype=np.float32) / 1e6, 50_000, 150_000)
        sound.put(ones(20), 0, 20_000)

    run, _ = play(script)
    assert samples_of(run)[1600] == np.float32(800 / 1e6) and run[-1].end == 150_000


def test_silence_that_is_cut_off_is_not_counted_as_lost_a_second_time():
    def script(sound, returned):
        sound.begin(0)
        sound.fill(100_000)
        sound.put(np.concatenate([np.zeros(1600, np.float32), ones(50)]), 50_000, 200_000, filled=1600)

    run, _ = play(script)
    # 0.1 s until then, and of the silence that comes with the block the half that lies behind it.
    assert run.counters["audio.lost_seconds"] == pytest.approx(0.15)
    assert filled_of(run) == 2400 and len(samples_of(run)) == 3200 and samples_of(run)[2400:].all()


def test_long_silence_comes_in_blocks_that_say_what_they_are():
    def script(sound, returned):
        sound.begin(1_000_000)
        sound.fill(3_300_000)
        sound.fill(2_000_000)

    run, _ = play(script)
    assert [packet.payload.filled for packet in run] == [len(packet.payload.samples) for packet in run]
    assert (run[0].timestamp, run[-1].end) == (1_000_000, 3_300_000)


def test_what_a_filter_still_held_follows_directly():
    def script(sound, returned):
        sound.put(ones(20), 40_000, 60_000)
        sound.follow(ones(5))

    run, _ = play(script)
    assert run[-1].end == 65_000 and run.counters == {}


def test_the_silence_of_hours_is_never_made_at_once_and_is_left_when_the_run_ends():
    stopping, lost, blocks = threading.Event(), [], []

    def emit(_, packet):
        blocks.append((packet.timestamp, packet.end, len(packet.payload.samples)))

    source = Scripted(None)
    source.attach(SimpleNamespace(stopping=stopping, emit=emit, count=lambda _, amount: lost.append(amount)))
    sound = GaplessSound(source)
    sound.begin(0)
    tracemalloc.start()
    try:
        gap = sound.put(ones(20), 3_600_000_000, 3_600_020_000)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    assert gap == 3_600_000_000 and lost == [3600]
    assert blocks[0] == (0, 500_000, 8000) and blocks[-1] == (3_600_000_000, 3_600_020_000, 320)
    assert all(before[1] == after[0] for before, after in pairwise(blocks))
    stopping.set()
    sound.put(ones(20), 7_200_000_000, 7_200_020_000)
    assert blocks[-1][1] < 3_700_000_000
