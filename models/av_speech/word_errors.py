"""Word error rate with the conventions of Whisper's English normaliser: digits and words made equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import ModelError


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
    try:
        import jiwer
        from whisper_normalizer.english import EnglishTextNormalizer
    except ImportError as error:
        raise ModelError("word errors need jiwer and whisper-normalizer: pip install 'lipstream[train]'") from error
    normalise = EnglishTextNormalizer()
    pairs = [(normalise(one), normalise(other)) for one, other in zip(references, hypotheses, strict=True)]
    # A reference of no words has only insertions, which the aligner does not take.
    silent = sum(len(other.split()) for one, other in pairs if not one)
    spoken = [pair for pair in pairs if pair[0]]
    if not spoken:
        return WordErrors(0, 0, 0, silent)
    found = jiwer.process_words([one for one, _ in spoken], [other for _, other in spoken])
    words = found.hits + found.substitutions + found.deletions
    return WordErrors(words, found.substitutions, found.deletions, found.insertions + silent)
