"""Names of outputs: one for each recording, the same from run to run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from lipstream.commands.batch.recording import Recording

_LONGEST = 200
"""Bytes of a name: file systems take 255, of which endings need some."""
_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')
_OWN = re.compile(r"manifest\.out(\..*)?|\.batch(\..*)?", re.IGNORECASE)
"""What the batch itself writes."""


def named(recordings: Iterable[Recording], before: Mapping[str, str]) -> list[Recording]:
    """The recordings with names that no two of them share, not even where case does not count.

    Args:
        recordings: with the names that they would have by themselves. One that is wished for twice gets the ending of
            its recording, and then a number.
        before: names that recordings had in earlier runs, by key; these stay.
    """
    recordings = list(recordings)
    taken = {name.casefold() for name in before.values()}
    result = []
    for each in recordings:
        name = before.get(each.key)
        if name is None:
            name = _free(_fit(each.name), os.path.splitext(each.source.partition("?")[0])[1], taken)
            taken.add(name.casefold())
        result.append(replace(each, name=name))
    return result


def _free(name: str, ending: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate.casefold() in taken:
        candidate = _fit(f"{name}{ending}") if number == 1 else f"{_fit(name + ending)}-{number}"
        number += 1
    return candidate


def _fit(name: str) -> str:
    """A path below a folder that every file system takes, and that leads nowhere else."""
    parts = [_cut(_UNFIT.sub("_", part)) for part in name.split("/") if part.strip(". ")]
    if not parts or _OWN.fullmatch(parts[0]):
        parts[:1] = [f"recording {parts[0]}" if parts else "recording"]
    return "/".join(parts)


def _cut(part: str) -> str:
    while len(os.fsencode(part)) > _LONGEST:
        part = part[:-1]
    return part
