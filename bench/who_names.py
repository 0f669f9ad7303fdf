"""People who were added by name: `python bench/who.py names`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from lipstream.models.voice.diarization import Heard
from lipstream.models.voice.embedding import mean_voice
from lipstream.models.voice.known import KnownVoice
from lipstream.models.voice.persons import Persons

Spoken = Sequence[tuple[Heard, ...]]
"""Somebody's segments, each with its windows."""


def names_told(people: Mapping[str, Sequence[Spoken]]) -> tuple[Counter[str], Counter[str]]:
    """Half of the people are added by their first recordings and everybody's others are told; then the other half.

    Args:
        people: by name, two recordings or more each.

    Returns:
        How many recordings of people who were added had the name right, wrong or none; the same of those who were not.
    """
    known: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    order = sorted(people)
    for half in (order[::2], order[1::2]):
        added = [_added(who, people[who][0]) for who in half]
        for who in order:
            for spoken in people[who][1:]:
                names = _names(spoken, added)
                told = "none" if not names else "right" if names == {who} else "wrong"
                (known if who in half else unknown)[told] += 1
    return known, unknown


def _added(who: str, spoken: Spoken) -> KnownVoice:
    voices = [window.voice for windows in spoken for window in windows]
    return KnownVoice(who, mean_voice(np.stack(voices)), 0.4 * len(voices))


def _names(spoken: Spoken, added: Sequence[KnownVoice]) -> set[str]:
    persons = Persons(known=added)
    names: set[str] = set()
    for windows in spoken:
        persons.settled(windows, frozenset())
        names.update(name for _, name in persons.newly_named())
    return names
