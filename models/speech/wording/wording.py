"""The user's wishes about words, carried out on what was recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.wording.digits import in_digits
from lipstream.models.speech.wording.edits import Draft, Edit, edited
from lipstream.models.speech.wording.fillers import hesitations
from lipstream.models.speech.wording.removal import without
from lipstream.models.speech.wording.replacing import Replacements
from lipstream.models.speech.wording.said_numbers import check_installed as check_reading
from lipstream.models.speech.wording.spelled import check_installed as check_spelling
from lipstream.models.speech.wording.spelled import in_words

Numerals = Literal["as_heard", "digits", "words"]
Fillers = Literal["keep", "drop"]


@dataclass(frozen=True, slots=True)
class WordingOptions:
    """What the user wants; the default leaves all words as they were recognised.

    Attributes:
        numerals: how numbers are written.
        fillers: whether sounds of hesitation are shown.
        replace: what is shown for words or phrases that were heard; an empty text removes them.
    """

    numerals: Numerals = "as_heard"
    fillers: Fillers = "keep"
    replace: Mapping[str, str] = field(default_factory=dict)


class Wording:
    """Turns recognised words into those to be shown. The result is a function of the arguments alone."""

    def __init__(self, options: WordingOptions | None = None) -> None:
        """Take what the user wants.

        Args:
            options: what the user wants; None for nothing.

        Raises:
            ModelError: a library that numerals need is not installed; the message says which and what to do.
            ValueError: `replace` has a key without a word, or one twice.
        """
        self._options = options or WordingOptions()
        self._replacements = Replacements(self._options.replace)
        if self._options.numerals == "digits":
            check_reading()
        elif self._options.numerals == "words":
            check_spelling()

    def apply(
        self, words: Sequence[TimedWord], language: str | None, *, open_end: bool = False
    ) -> tuple[TimedWord, ...]:
        """The words as they are to be shown, in order, not overlapping if those given were not.

        Several words that become one have the time from the first start to the last end and the lowest confidence;
        those that one becomes share its time by their length.

        Args:
            words: what was recognised, in order.
            language: code of their language, such as "en"; with None numbers and fillers stay as they are.
            open_end: the text goes on: a number at its end, which may go on too, stays as heard.
        """
        drafts = self._replaced([Draft(word) for word in words])
        if self._options.fillers == "drop":
            drafts = self._without_fillers(drafts, language, open_end)
        drafts = without(drafts)
        return tuple(draft.word for draft in edited(drafts, self._numerals(drafts, language, open_end)))

    def _replaced(self, drafts: Sequence[Draft]) -> list[Draft]:
        edits = self._replacements.edits([draft.text for draft in drafts])
        gone = {at for edit in edits if not edit.texts for at in range(edit.first, edit.last)}
        left = [replace(draft, settled=at in gone, gone=at in gone) for at, draft in enumerate(drafts)]
        return edited(left, [edit for edit in edits if edit.texts])

    def _without_fillers(self, drafts: Sequence[Draft], language: str | None, open_end: bool) -> list[Draft]:
        sounds = hesitations([draft.text for draft in drafts], language, open_end)
        return [
            replace(draft, gone=draft.gone or (at in sounds and not draft.settled)) for at, draft in enumerate(drafts)
        ]

    def _numerals(self, drafts: Sequence[Draft], language: str | None, open_end: bool) -> list[Edit]:
        if self._options.numerals == "digits":
            return in_digits(drafts, language, open_end)
        return in_words(drafts, language, open_end) if self._options.numerals == "words" else []
