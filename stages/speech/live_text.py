"""What a reader sees of speech that goes on: words that stand, and words that may still change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Final

from lipstream.events import Revision
from lipstream.models.speech.engine import TimedWord

SEEN: Final = 0.3
"""Seconds that the end of a word must lie behind the newest sound before the word is shown; the first one is shown at
once, unless it has a digit."""
SEEN_SURE: Final = 0.5
"""Confidence a word needs for that, and every word before it."""
FIRST_SURE: Final = 0.3
"""The same of the first word."""
BEHIND: Final = 0.4
"""Seconds that it must lie behind before it may stand."""
FIRST_MOMENTS: Final = 1.0
"""Seconds of a segment in which no word may stand yet."""
_LAST_SIGNS: Final = re.compile(r"[.?!,;:…]+$")
_SIGNS: Final = re.compile(r"[^\w']+")


@dataclass(frozen=True, slots=True)
class Shown:
    """Text as a partial shows it.

    Attributes:
        stable: what stands.
        unstable: the rest, with the space before it.
    """

    stable: str = ""
    unstable: str = ""

    def __bool__(self) -> bool:
        return bool(self.stable or self.unstable)

    @property
    def text(self) -> str:
        """All of it."""
        return self.stable + self.unstable


class LiveText:
    """The text of one open segment, from one hypothesis to the next.

    A word is shown once its sound is over and the network is sure of it: what is heard of a word cut short is another
    word, and most of what was taken back was that. It stands once two hypotheses in a row agree on it and on all before
    it, and its sound lies `BEHIND` behind the newest (local agreement: Liu et al. 2020, arXiv 2005.11185; Machacek et
    al. 2023, arXiv 2307.14743). Every hypothesis is free: where one contradicts what stands, what stands is shown, and
    behind it what the hypothesis has later in the sound. The final text says what it changed, `revisions`.

    What that is worth is in docs/experiments/live_text.md.
    """

    def __init__(self) -> None:
        self._stands: list[TimedWord] = []
        self._before: Sequence[TimedWord] = ()
        self.shown = Shown()

    def add(self, words: Sequence[TimedWord], newest: float, tentative: bool = False, space: str = " ") -> Shown:
        """Take a hypothesis and give what is to be shown.

        Args:
            words: the hypothesis; times in seconds from the segment's first sample.
            newest: how far the sound was heard.
            tentative: it is shown, but lets nothing stand.
            space: what stands between two words.
        """
        if not words:
            # One deaf moment takes nothing back; but it agrees with nothing either.
            self._before = self._before if tentative else ()
            return self.shown
        self._follow(words)
        rest = self._fit(self._rest(words), newest)
        if not tentative:
            agreed = self._agreed(rest, self._rest(self._before), newest)
            self._stands += rest[:agreed]
            rest = rest[agreed:]
            self._before = words
        shown = self._text(rest, space)
        before = self.shown.text
        if before.startswith(f"{shown.text}{space}") or (before and not shown.text):
            # Not sure of as much as before, which is no reason to take anything back.
            shown = Shown(shown.stable, before[len(shown.stable) :])
        self.shown = shown
        return shown

    def clear(self) -> None:
        """Forget what was shown."""
        self._stands, self._before, self.shown = [], (), Shown()

    def revisions(self, words: Sequence[str]) -> tuple[Revision, ...]:
        """What the final words change of those that stood; punctuation and capitals aside."""
        return revised([word.text for word in self._stands], words, goes_on=True)

    def _follow(self, words: Sequence[TimedWord]) -> None:
        """Take the sign behind the last word that stands from a hypothesis: it depends on what comes next."""
        last = len(self._stands) - 1
        if 0 <= last < len(words) and _plain(words[last].text) == _plain(self._stands[last].text):
            self._stands[last] = replace(self._stands[last], text=words[last].text)

    def _rest(self, words: Sequence[TimedWord]) -> list[TimedWord]:
        """The words of a hypothesis that come after those that stand."""
        count = len(self._stands)
        if all(_plain(one.text) == _plain(other.text) for one, other in zip(self._stands, words, strict=False)):
            return list(words[count:])
        end = self._stands[-1].end
        return [word for word in words if (word.start + word.end) / 2 > end]

    def _fit(self, rest: Sequence[TimedWord], newest: float) -> list[TimedWord]:
        """The words, of those that do not stand, that may be shown."""
        fit: list[TimedWord] = []
        for word in rest:
            # Of the first moments networks make numbers ("1, 2, 3", "2-3-3-3").
            first = not fit and not self._stands and not any(map(str.isdigit, word.text))
            behind, sure = (0.0, FIRST_SURE) if first else (SEEN, SEEN_SURE)
            if word.end > newest - behind or word.confidence < sure:
                break
            fit.append(word)
        return fit

    @staticmethod
    def _agreed(fit: Sequence[TimedWord], before: Sequence[TimedWord], newest: float) -> int:
        if newest < FIRST_MOMENTS:
            return 0
        count = 0
        for word, earlier in zip(fit, before, strict=False):
            if word.text != earlier.text or word.end > newest - BEHIND:
                break
            count += 1
        return count

    def _text(self, rest: Sequence[TimedWord], space: str) -> Shown:
        texts = [word.text for word in (*self._stands, *rest)]
        if texts:
            # Whether a sentence ends here is not known before it goes on or its segment ends.
            texts[-1] = _LAST_SIGNS.sub("", texts[-1])
        count = len(self._stands)
        stable, unstable = (space.join(filter(None, part)) for part in (texts[:count], texts[count:]))
        if stable and unstable:
            # The sign behind the last word that stands is part of what may change.
            bare = _LAST_SIGNS.sub("", stable)
            return Shown(bare, f"{stable[len(bare) :]}{space}{unstable}")
        return Shown(stable, unstable)


def _plain(word: str) -> str:
    return _SIGNS.sub("", word).casefold()


def revised(stood: Sequence[str], words: Sequence[str], *, goes_on: bool = False) -> tuple[Revision, ...]:
    """What words change of others; punctuation and capitals aside.

    Args:
        stood: the words before.
        words: those after.
        goes_on: those before are not all of the text: what follows them is new, and no change.
    """
    before, after = [_plain(word) for word in stood], [_plain(word) for word in words]
    found = []
    for kind, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal" or (goes_on and first == len(stood)):
            continue
        # A word that stood is compared with as many: those behind it may be new.
        shortened = goes_on and last == len(stood) and kind == "replace"
        last_now = min(end, start + last - first) if shortened else end
        found.append(Revision(was=" ".join(stood[first:last]), now=" ".join(words[start:last_now])))
    return tuple(found)
