"""From looks to sounds that begin and end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lipstream.models.sounds.kinds import KINDS, Kind, score

Float32 = npt.NDArray[np.float32]

_LOOKS = 4
"""Looks in a row of which some have to have a sound."""
_QUIET = 4
"""Looks in a row without a sound after which it is over."""


@dataclass(frozen=True, slots=True)
class Change:
    """A sound has begun, or is over.

    Attributes:
        label: what it is.
        start: first look that had it, in the times given.
        end: last look that had it; None where it has begun.
        confidence: in [0, 1]: the highest score so far.
    """

    label: str
    start: float
    end: float | None
    confidence: float


@dataclass(slots=True)
class _Followed:
    kind: Kind
    recent: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_LOOKS))
    start: float | None = None
    last: float = 0.0
    best: float = 0.0
    quiet: int = 0


class SoundTracker:
    """Follows every kind of sound for itself. One object follows one stream.

    A sound begins once enough of the last looks are sure of it, and is over once it has not been likely for a while: an
    applause that swells and falls is one.

    Args:
        kinds: which sounds.
    """

    def __init__(self, kinds: Sequence[Kind] = KINDS) -> None:
        self._followed = [_Followed(kind) for kind in kinds]

    def look(self, scores: Float32, begin: float, end: float) -> list[Change]:
        """Take the next look.

        Args:
            scores: (521,) of the network.
            begin: when the sound of the look begins, seconds.
            end: when it ends.
        """
        changes = (self._follow(each, score(each.kind, scores), begin, end) for each in self._followed)
        return [change for change in changes if change is not None]

    def finish(self) -> Iterator[Change]:
        """What is over because the stream is."""
        for each in self._followed:
            if each.start is not None:
                yield Change(each.kind.label, each.start, each.last, each.best)
                each.start = None

    def _follow(self, each: _Followed, likely: float, begin: float, end: float) -> Change | None:
        each.recent.append((begin, likely))
        if each.start is None:
            sure = [time for time, value in each.recent if value >= each.kind.begins]
            if len(sure) < each.kind.looks or likely < each.kind.begins:
                return None
            each.start, each.last, each.quiet = sure[0], end, 0
            each.best = max(value for _, value in each.recent)
            return Change(each.kind.label, each.start, None, each.best)
        each.best = max(each.best, likely)
        if likely >= each.kind.ends:
            each.last, each.quiet = end, 0
            return None
        each.quiet += 1
        if each.quiet < _QUIET:
            return None
        over = Change(each.kind.label, each.start, each.last, each.best)
        each.start = None
        each.recent.clear()
        return over
