"""Word error rate with the conventions of Whisper's English normaliser: digits and words made equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from lipstream.models.errors import ModelError


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Errors over a set of texts.

    Attributes:
        words: in the references.
        substitutions: words taken for others.
        deletions: words left out.
        insertions: words put in.
    """

    words: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def rate(self) -> float:
        """Errors a word; above 1 where more is put in than was said."""
        return (self.substitutions + self.deletions + self.insertions) / max(1, self.words)

    def __add__(self, other: WordErrors) -> WordErrors:
        """The errors of both sets together."""
        return WordErrors(
            self.words + other.words,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


def count_errors(references: Sequence[str], hypotheses: Sequence[str]) -> WordErrors:
    """Compare texts one by one.

    Raises:
        ModelError: the packages that normalise and align are not installed.
    """
    normalise = normaliser()
    pairs = [(normalise(one), normalise(other)) for one, other in zip(references, hypotheses, strict=True)]
    # A reference of no words has only insertions, which the aligner does not take.
    silent = sum(len(other.split()) for one, other in pairs if not one)
    spoken = [pair for pair in pairs if pair[0]]
    if not spoken:
        return WordErrors(0, 0, 0, silent)
    found = _align([one for one, _ in spoken], [other for _, other in spoken])
    words = found.hits + found.substitutions + found.deletions
    return WordErrors(words, found.substitutions, found.deletions, found.insertions + silent)


def right_words(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[int, int]]:
    """Which words of a hypothesis are right: pairs of the index of a word said and the index of the word heard.

    Each word is normalised by itself, so what is one word here and two there ("F2", "f two") counts as wrong.

    Raises:
        ModelError: the packages that normalise and align are not installed.
    """
    normalise = normaliser()
    said, heard = (
        [(at, normalise(word).replace(" ", "_")) for at, word in enumerate(words) if normalise(word)]
        for words in (reference, hypothesis)
    )
    if not said or not heard:
        return []
    (chunks,) = _align([" ".join(word for _, word in said)], [" ".join(word for _, word in heard)]).alignments
    return [
        (said[chunk.ref_start_idx + at][0], heard[chunk.hyp_start_idx + at][0])
        for chunk in chunks
        if chunk.type == "equal"
        for at in range(chunk.ref_end_idx - chunk.ref_start_idx)
    ]


@cache
def normaliser() -> Callable[[str], str]:
    """Makes spellings of the same words equal.

    Raises:
        ModelError: the packages that normalise and align are not installed.
    """
    try:
        import jiwer  # noqa: F401 - wanted soon
        from whisper_normalizer.english import EnglishTextNormalizer
    except ImportError as error:
        raise ModelError("word errors need jiwer and whisper-normalizer: pip install 'lipstream[train]'") from error
    normalise: Callable[[str], str] = EnglishTextNormalizer()
    return normalise


def _align(references: list[str], hypotheses: list[str]) -> Any:  # noqa: ANN401
    import jiwer

    return jiwer.process_words(references, hypotheses)
