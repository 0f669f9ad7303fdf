"""What `bench/words.py` measures of texts against what people wrote down: errors, repeats, sentence ends."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import jiwer
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

UNSPACED: Final = frozenset(("zh", "ja", "th", "lo", "my", "yue"))
"""Languages written without spaces, of which each character counts as a word."""
_LONGEST_REPEAT: Final = 4
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SENTENCE_END: Final = re.compile(r"[.?!。？！]['\"’”»)\]]*$")
_NO_SENTENCE_END: Final = re.compile(r"^\W*(?:mr|mrs|ms|dr|st|prof|vs|etc|no|\w(?:\.\w)+)\.\W*$", re.IGNORECASE)
"""Abbreviations, whose full stop ends no sentence."""


@dataclass(frozen=True)
class Errors:
    """Word errors against `words` words of reference."""

    words: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def rate(self) -> float | None:
        """Word error rate; None without a reference."""
        wrong = self.substitutions + self.deletions + self.insertions
        return wrong / self.words if self.words else None


@dataclass(frozen=True)
class SentenceEnds:
    """Sentence ends in outputs, against a reference with punctuation.

    Attributes:
        inside: boundaries between segments where the reference has no sentence end.
        inside_marked: those of them where the output has one: wrong.
        between: boundaries between segments where the reference has a sentence end.
        between_marked: those of them where the output has one.
        marked: sentence ends of the output anywhere but at its last word.
        marked_wrong: those of them where the reference has none.
        reference: sentence ends of the reference anywhere but at its last word.
        found: those of them that the output has.
    """

    inside: int = 0
    inside_marked: int = 0
    between: int = 0
    between_marked: int = 0
    marked: int = 0
    marked_wrong: int = 0
    reference: int = 0
    found: int = 0


@cache
def _normaliser(language: str) -> EnglishTextNormalizer | BasicTextNormalizer:
    return EnglishTextNormalizer() if language == "en" else BasicTextNormalizer(split_letters=language in UNSPACED)


def normalised(text: str, language: str) -> str:
    """As Whisper's evaluation compares texts: its English normaliser, and the basic one for other languages."""
    return " ".join(_normaliser(language)(text).split())


def plain_words(text: str, language: str = "en") -> list[str]:
    """Lower case, without punctuation; characters where words are not spaced."""
    words = _WORD.findall(text.lower().replace("’", "'"))
    return list("".join(words)) if language in UNSPACED else words


def word_errors(pairs: Sequence[tuple[str, str]], language: str) -> Errors:
    """Errors over (reference, output) pairs; pairs whose reference has no words are left out."""
    normal = [(normalised(reference, language), normalised(output, language)) for reference, output in pairs]
    normal = [(reference, output) for reference, output in normal if reference]
    if not normal:
        return Errors()
    found = jiwer.process_words([reference for reference, _ in normal], [output for _, output in normal])
    words = found.hits + found.substitutions + found.deletions
    return Errors(words, found.substitutions, found.deletions, found.insertions)


def repeats(output: str, reference: str, language: str = "en") -> list[str]:
    """Immediate repeats of one to four words in the output that the reference does not have, each by its words."""
    spoken = _immediate(plain_words(reference, language))
    # Whisper's normaliser leaves fillers out: who said "I, um, I" may be written "I I".
    spoken |= _immediate(normalised(reference, language).split())
    return sorted((_immediate(plain_words(output, language)) - spoken).elements())


def _immediate(words: Sequence[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    at = 0
    while at < len(words):
        for length in range(1, _LONGEST_REPEAT + 1):
            if words[at : at + length] == words[at + length : at + 2 * length]:
                found[" ".join(words[at : at + length])] += 1
                at += length
                break
        else:
            at += 1
    return found


def marked_words(text: str) -> tuple[list[str], set[int]]:
    """Plain words, and the places of those behind which a sentence ends."""
    words: list[str] = []
    ends: set[int] = set()
    for raw in text.split():
        words += plain_words(raw)
        if words and _SENTENCE_END.search(raw) and not _NO_SENTENCE_END.match(raw):
            ends.add(len(words) - 1)
    return words, ends


def sentence_ends(reference: str, segments: Sequence[str]) -> SentenceEnds:
    """Count the sentence ends of an output, at the boundaries between its segments and anywhere.

    Words are aligned as for the word error rate. The place of a boundary in the reference reaches from the word that
    is aligned with the last one before it to the word in front of the next aligned one. A reference without any
    sentence end has no punctuation, and counts for nothing.
    """
    spoken, true_ends = marked_words(reference)
    output, ends = marked_words(" ".join(segments))
    if not true_ends or not output:
        return SentenceEnds()
    boundaries: set[int] = set()
    count = 0
    for segment in segments:
        count += len(marked_words(segment)[0])
        boundaries.add(count - 1)
    last = len(output) - 1
    boundaries -= {-1, last}
    aligned = _aligned(spoken, output)
    inner_ends = true_ends - {len(spoken) - 1}
    there = {place: _reference_place(place, aligned, len(spoken)) & inner_ends for place in range(last)}
    marked = ends - {last}
    inside = {place for place in boundaries if not there[place]}
    return SentenceEnds(
        inside=len(inside),
        inside_marked=len(inside & marked),
        between=len(boundaries - inside),
        between_marked=len((boundaries - inside) & marked),
        marked=len(marked),
        marked_wrong=sum(not there[place] for place in marked),
        reference=len(inner_ends),
        found=len(set().union(*(there[place] for place in marked))),
    )


def _aligned(spoken: Sequence[str], output: Sequence[str]) -> dict[int, int]:
    """Place in the output -> place in the reference, of words that are the same or stand for each other."""
    chunks = jiwer.process_words([" ".join(spoken)], [" ".join(output)]).alignments[0]
    return {
        chunk.hyp_start_idx + index: chunk.ref_start_idx + index
        for chunk in chunks
        if chunk.type in ("equal", "substitute")
        for index in range(chunk.hyp_end_idx - chunk.hyp_start_idx)
    }


def _reference_place(place: int, aligned: Mapping[int, int], length: int) -> set[int]:
    before = max((true for mine, true in aligned.items() if mine <= place), default=0)
    after = min((true for mine, true in aligned.items() if mine > place), default=length)
    return set(range(before, after))
