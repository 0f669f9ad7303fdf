"""Agglomerative clustering with average linkage: who of many stretches of speech is the same person.

Of our own and not scipy's, which would be a hundred megabytes of installation for this one function; a test compares
the two. By the chain of nearest neighbours (Murtagh 1983) it takes time and memory of the square of the number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Int = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Merge:
    """Two clusters become one; each is named by one of its members.

    Attributes:
        kept: names the cluster from now on.
        gone: named the other one.
        likeness: mean over all pairs of members of both.
    """

    kept: int
    gone: int
    likeness: float


def merges(likeness: Float32) -> list[Merge]:
    """All merges from single members to one cluster, the most alike first.

    Args:
        likeness: (N, N) symmetric; what must never be together has a likeness far under all thresholds.
    """
    count = len(likeness)
    alike = likeness.astype(np.float64)
    np.fill_diagonal(alike, -np.inf)
    size = np.ones(count)
    left = np.ones(count, bool)
    chain: list[int] = []
    found: list[Merge] = []
    while len(found) < count - 1:
        if not chain:
            chain.append(int(np.argmax(left)))
        here = chain[-1]
        nearest = int(np.argmax(alike[here]))
        # Equals: back to where the chain came from, or it would never end.
        if len(chain) > 1 and alike[here, chain[-2]] >= alike[here, nearest]:
            nearest = chain[-2]
        if len(chain) < 2 or nearest != chain[-2]:
            chain.append(nearest)
            continue
        del chain[-2:]
        kept, gone = min(here, nearest), max(here, nearest)
        found.append(Merge(kept, gone, float(alike[kept, gone])))
        both = size[kept] + size[gone]
        row = (size[kept] * alike[kept] + size[gone] * alike[gone]) / both
        row[[kept, gone]] = -np.inf
        alike[kept], alike[:, kept] = row, row
        alike[gone], alike[:, gone] = -np.inf, -np.inf
        size[kept], left[gone] = both, False
    return sorted(found, key=lambda merge: -merge.likeness)


def clusters(likeness: Float32, least: float, count: int | None = None) -> Int:
    """(N,) the cluster of each member, numbered from 0 in the order in which they begin.

    Args:
        likeness: as for `merges`.
        least: mean likeness from which on two clusters are one.
        count: how many there are, if that is known; then `least` does not matter.
    """
    members = np.arange(len(likeness))
    for done, merge in enumerate(merges(likeness) if len(likeness) > 1 else []):
        if merge.likeness < least if count is None else len(likeness) - done <= count:
            break
        members[members == members[merge.gone]] = members[merge.kept]
    return in_order(members)


def in_order(labels: Int) -> Int:
    """(N,) labels numbered anew from 0, in the order in which they begin."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
