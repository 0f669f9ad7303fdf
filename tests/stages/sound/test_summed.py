"""Several streams of sound as one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lipstream.pipeline import Packet
from lipstream.stages.payloads import AudioBlock
from lipstream.stages.sound.sample_blocks import sample_time
from lipstream.stages.sound.summed import summed


def stream(start: int, values: np.ndarray, size: int = 512):
    for first in range(0, len(values), size):
        piece = values[first : first + size].astype(np.float32)
        yield Packet(sample_time(start + first), AudioBlock(piece), sample_time(len(piece)))


def test_streams_are_added_where_they_lie_in_time():
    given = list(summed([stream(700, np.ones(2000)), stream(1500, 3 * np.ones(3000), 320)]))
    assert given[0].timestamp == sample_time(700)
    assert all(before.end == after.timestamp for before, after in itertools.pairwise(given))
    heard = np.concatenate([packet.payload.samples for packet in given])
    assert len(heard) == 1500 + 3000 - 700
    assert heard[[0, 799, 800, 1999, 2000, -1]].tolist() == [0.5, 0.5, 2.0, 2.0, 1.5, 1.5]


def test_a_hole_between_them_is_silence():
    heard = np.concatenate([p.payload.samples for p in summed([stream(0, np.ones(600)), stream(2000, np.ones(100))])])
    assert heard[:600].all() and not heard[600:2000].any() and heard[2000:].all() and len(heard) == 2100


@pytest.mark.parametrize("streams", [[], [iter(())], [iter(()), iter(())]])
def test_nothing_is_nothing(streams):
    assert list(summed(streams)) == []


def test_an_empty_stream_beside_a_full_one_does_not_matter_but_for_the_level():
    heard = np.concatenate([packet.payload.samples for packet in summed([iter(()), stream(0, np.ones(600))])])
    assert len(heard) == 600 and (heard == 0.5).all()
