"""Words at the end of a text that have no sound of their own.

A network that is cut off in mid-sentence goes on with what usually follows. Such words find no sound: the path through
the sound gives each of them the one step it must.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lipstream.models.speech.engine import TimedWord

_FEWEST: Final = 3
"""Last words of one step each that are taken for made up; one or two may be short."""
_STEPS: Final = 1.6
"""Steps of the encoder that a word without sound lasts at most."""


def has_sound(word: TimedWord, step: float) -> bool:
    """Whether a word has sound of its own: more than the one step of the encoder that each gets.

    Args:
        word: with its times.
        step: seconds from one frame of the encoder to the next.
    """
    return word.end - word.start >= _STEPS * step


def without_tail(words: Sequence[TimedWord], step: float) -> list[TimedWord]:
    """Leave out the last words if `_FEWEST` or more of them last one step of the encoder each.

    Args:
        words: in order.
        step: seconds from one frame of the encoder to the next.
    """
    kept = len(words)
    while kept and not has_sound(words[kept - 1], step):
        kept -= 1
    return list(words[:kept]) if len(words) - kept >= _FEWEST else list(words)
