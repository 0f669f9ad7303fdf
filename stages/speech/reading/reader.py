"""Who reads a run's speech, with the language so far and what is to be expected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.expected.terms import NO_TERMS, Terms
from lipstream.models.speech.recogniser import Hints, Recogniser, Task, Transcript
from lipstream.models.speech.wording import Wording, WordingOptions, capital_i
from lipstream.pipeline import UserError
from lipstream.stages.failures import while_loading
from lipstream.stages.payloads import EncodedSpeech
from lipstream.stages.speaker.parted import by_itself
from lipstream.stages.speech.reading.texts import utterance_of_all

_TELLING: Final = 1.5
"""Seconds of sound that tell what language is spoken."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Who reads, and what they are told.

    Attributes:
        first: the recogniser of speech that goes on.
        final: the recogniser of finished speech; the same one, or a better and slower one.
        language: code of the language spoken; None to find out.
        task: "transcribe", or "translate" to English.
        join: seconds of sound up to which neighbouring speech is read as one; 0 for each segment by itself.
        onward: seconds of sound before a segment that it is read with, where each is published by itself; 0 for none.
        wording: how the user wants words written.
        terms: words and phrases to be expected at first.
        mark_unclear: whether speech in which nothing could be read becomes a final, `UNCLEAR`.
    """

    first: Recogniser
    final: Recogniser
    language: str | None = None
    task: Task = "transcribe"
    join: float = 0.0
    onward: float = 0.0
    wording: Wording = field(default_factory=lambda: Wording(WordingOptions()))
    terms: Terms = NO_TERMS
    mark_unclear: bool = False


class Reader:
    """Reads speech with the recogniser that is right for it.

    Args:
        reading: the recognisers, and what they are told.
        sheds: whether the processor is too busy for the second of two.

    Attributes:
        terms: words and phrases to be expected; may be replaced from any thread.
        draft: tokens of the open segment as they were read last.
    """

    def __init__(self, reading: Reading, sheds: Callable[[], bool]) -> None:
        self.terms = reading.terms
        self.draft: tuple[int, ...] = ()
        self.sheds = sheds
        self._reading = reading
        self._language: str | None = None

    def check(self) -> None:
        """See that the recognisers can be loaded.

        Raises:
            UserError: they cannot be, or do not know the language.
        """
        with while_loading():
            self._reading.first.check()
            self._reading.final.check()
        self._check_language()

    def load(self) -> None:
        """Load the recognisers.

        Raises:
            UserError: they cannot be loaded, or do not know the language.
        """
        with while_loading():
            self._reading.first.load()
            self._reading.final.load()
        self._check_language()

    def _check_language(self) -> None:
        known, language = self._reading.final.languages, self._reading.language
        if known and language is not None and language not in known:
            raise UserError(
                f"the recogniser does not know the language {language!r} (speech.language), it knows "
                f"{', '.join(sorted(known))}"
                + ("; set speech.quality to balanced for others" if known == {"en"} else "")
            )

    def read_open(self, speech: EncodedSpeech) -> Transcript:
        """Read speech that goes on."""
        return self.first.recognise(utterance_of_all(speech, whole=False), self.hints(self.draft))

    def read(self, speech: EncodedSpeech) -> Transcript:
        """Read finished speech."""
        utterance, final = utterance_of_all(speech), self._reading.final
        if self.sheds():
            return self.first.recognise(utterance, self.hints(self.draft))
        return final.recognise(utterance, self.hints(self.draft if final is self.first else ()))

    def read_part(self, part: EncodedSpeech) -> Transcript:
        """Read what one person says in a segment of several; behind nothing, as somebody else spoke before."""
        reader = self.first if self.sheds() else self._reading.final
        return reader.recognise(by_itself(part), self.hints())

    @property
    def first(self) -> Recogniser:
        """Who reads speech that goes on: the final recogniser where the first does not know the language."""
        first = self._reading.first
        language = self._reading.language or self._language
        knows = language is None or not first.languages or language in first.languages
        return first if knows else self._reading.final

    def hints(self, draft: Sequence[int] = ()) -> Hints:
        """What a recogniser is told.

        Args:
            draft: tokens of the same speech as they were read before, for the recogniser that read them.
        """
        reading = self._reading
        return Hints(reading.language, self._language, reading.task, terms=self.terms, draft=draft)

    def remember(self, read: Transcript, duration: float) -> None:
        """The language so far: that of the last speech that was long enough to tell.

        Args:
            read: the text of finished speech.
            duration: seconds of it.
        """
        if read.language is not None and duration >= _TELLING and read.words:
            self._language = read.language

    def written_in(self, spoken: str | None) -> str | None:
        """The language of the text."""
        return "en" if self._reading.task == "translate" else spoken

    def as_wanted(
        self, words: Sequence[TimedWord], language: str | None, *, open_end: bool = False
    ) -> tuple[TimedWord, ...]:
        """The words as the user wants them written."""
        return self._reading.wording.apply(capital_i(words, language), language, open_end=open_end)
