"""When `bench/serve_load.py` says that sessions were held."""

from __future__ import annotations

import pytest
from machine import percentile
from serve_load import Heard, Result


@pytest.mark.parametrize(
    ("delays", "lost", "held"),
    [
        ([1.0] * 19, 0.0, True),
        # One late sentence of fewer than 20 is more than one of 20.
        ([1.0] * 18 + [2.5], 0.0, False),
        ([1.0] * 19 + [2.5], 0.0, True),
        ([1.0] * 18 + [2.5] * 2, 0.0, False),
        ([1.0] * 19, 1.0, False),
        ([], 0.0, False),
    ],
)
def test_one_sentence_of_twenty_may_be_late(delays: list[float], lost: float, held: bool):
    assert Result(1, 0, [Heard(delays, 0, lost)], 0.0, 0.0, "").held == held


def test_a_percentile_is_one_of_the_values():
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(value) for value in range(101)], 0.95) == 95.0
