"""Sentences to read aloud when a user enrols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from pathlib import Path

import yaml

_FILE = Path(__file__).with_name("sentences.yaml")


@cache
def sentences() -> tuple[str, ...]:
    """The sentences, in the order in which they are to be read."""
    return tuple(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def still_to_read(done: Sequence[str], shown: Sequence[str] | None = None) -> Iterator[str]:
    """Sentences without end: those that are not among `done` first, then all of them again and again.

    Args:
        done: what was read before, as often as it was.
        shown: to choose from; the package's by default.
    """
    offered = sentences() if shown is None else shown
    times = {sentence: list(done).count(sentence) for sentence in offered}
    for turn in count():
        for sentence in offered:
            if times[sentence] <= turn:
                yield sentence
