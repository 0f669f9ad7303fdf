"""Taking words out of a text, so that what is left still reads as a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from lipstream.models.speech.wording.edits import Draft
from lipstream.models.speech.wording.punctuation import (
    CLOSING,
    OPENING,
    begins_sentence,
    capitalised,
    ends_sentence,
    folded,
    is_capitalised,
    marked,
)


def without(drafts: Sequence[Draft]) -> list[Draft]:
    """The words but for those that are gone.

    The commas on either side go with them, but for one between two words that are the same. The end of the sentence
    and a closing quote pass to the word before, the capital and an opening quote to the word after. Where a whole
    sentence goes, its marks go too.
    """
    texts = [draft.text for draft in drafts]
    shown = list(texts)
    for first, last in _runs(drafts):
        _pass_back(shown, texts, first, last)
        _pass_on(shown, texts, first, last)
    return [
        replace(draft, word=replace(draft.word, text=text))
        for draft, text in zip(drafts, shown, strict=True)
        if not draft.gone
    ]


def _runs(drafts: Sequence[Draft]) -> Iterator[tuple[int, int]]:
    """Indices of the first word of each stretch that is gone, and after its last."""
    for gone, stretch in groupby(enumerate(drafts), key=lambda numbered: numbered[1].gone):
        indices = [at for at, _ in stretch]
        if gone:
            yield indices[0], indices[-1] + 1


def _pass_back(shown: list[str], texts: Sequence[str], first: int, last: int) -> None:
    """Give the word before a run what must not be lost of the run's own marks."""
    if begins_sentence(texts, first):
        return
    end = next((text for text in texts[first:last] if ends_sentence(text)), None)
    closing = marked(end).after if end else _unopened(texts[first:last])
    before = shown[first - 1]
    following = texts[last] if last < len(texts) else ""
    if end or folded(marked(before).core) != folded(marked(following).core):
        before = before.rstrip(",")
    shown[first - 1] = before + closing.replace(",", "")


def _unopened(run: Sequence[str]) -> str:
    """The closing quotes and brackets of a run in which none is opened."""
    if any(mark in OPENING for text in run for mark in marked(text).before):
        return ""
    return "".join(mark for mark in marked(run[-1]).after if mark in CLOSING)


def _pass_on(shown: list[str], texts: Sequence[str], first: int, last: int) -> None:
    """Give the word after a run the run's capital and its opening quote, if the sentence goes on there."""
    if last == len(texts) or ends_sentence(texts[last - 1]):
        return
    opening = "".join(mark for mark in marked(texts[first]).before if mark in OPENING)
    if any(mark in CLOSING for mark in marked(texts[last - 1]).after):
        opening = ""
    following = shown[last]
    if begins_sentence(texts, first) and is_capitalised(texts[first]):
        following = capitalised(following)
    shown[last] = opening + following
