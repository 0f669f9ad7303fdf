"""What those who read have in common: words and phrases to be expected, which may be others while they run."""

from __future__ import annotations

from lipstream.models.speech.expected.terms import Terms
from lipstream.stages.speech.reading.reader import Reader


class Expecting:
    """A stage that reads.

    Attributes:
        _reader: reads, with what is to be expected.
    """

    _reader: Reader

    @property
    def terms(self) -> Terms:
        """Words and phrases to be expected; may be replaced while it runs, from any thread."""
        return self._reader.terms

    @terms.setter
    def terms(self, terms: Terms) -> None:
        self._reader.terms = terms
