"""Changes to a sequence of timed words: which words become which, and when those are said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from lipstream.models.speech.engine import TimedWord


@dataclass(frozen=True, slots=True)
class Draft:
    """A word on its way to what is shown.

    Attributes:
        word: the word.
        settled: it is as the user wants it, and no later rule may change what it says.
        gone: it is to be left out.
    """

    word: TimedWord
    settled: bool = False
    gone: bool = False

    @property
    def text(self) -> str:
        """The word's text."""
        return self.word.text


@dataclass(frozen=True, slots=True)
class Edit:
    """The words `first` up to but not `last` become `texts`.

    Attributes:
        first: index of the first word.
        last: index after the last word, greater than `first`.
        texts: what they become, one text a word; empty to remove them.
    """

    first: int
    last: int
    texts: tuple[str, ...]


def edited(drafts: Sequence[Draft], edits: Sequence[Edit]) -> list[Draft]:
    """Carry out edits that remove nothing; what they write is settled.

    Args:
        drafts: the words.
        edits: in order, not overlapping, each with texts.
    """
    done: list[Draft] = []
    at = 0
    for edit in edits:
        done += drafts[at : edit.first]
        words = [draft.word for draft in drafts[edit.first : edit.last]]
        done += [Draft(word, settled=True) for word in retimed(words, edit.texts)]
        at = edit.last
    return [*done, *drafts[at:]]


def retimed(words: Sequence[TimedWord], texts: Sequence[str]) -> list[TimedWord]:
    """Other texts in place of words, one after the other within the time of these.

    As many texts as words take a word's time each. Else they share the time from the first start to the last end by
    their length in characters, and have the lowest confidence.
    """
    if len(words) == len(texts):
        return [replace(word, text=text) for word, text in zip(words, texts, strict=True)]
    start, end = words[0].start, max(words[-1].end, words[0].start)
    confidence = min(word.confidence for word in words)
    lengths = list(accumulate(len(text) for text in texts))
    ends = [min(start + (end - start) * length / lengths[-1], end) for length in lengths[:-1]]
    bounds = [start, *ends, end]
    return [TimedWord(text, bounds[at], bounds[at + 1], confidence) for at, text in enumerate(texts)]
