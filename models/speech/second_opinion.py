"""A text that its recogniser is not sure of, heard by another one before it is believed.

On babble, laughter and music every recogniser makes up something, and each something else; where two hear the same
words, somebody said them. A text that goes on behind one that stands is seldom made up, and the other, which hears a
few words by themselves, has others: there only what is hopeless is checked. Where somebody is seen to speak there is
nothing to find out: among other voices two recognisers seldom hear the same, and what is doubtful is left out word by
word.
"""

from __future__ import annotations

import math
from typing import Final

from lipstream.models.speech.engine import SpeechEngine, mean_log
from lipstream.models.speech.guards import is_hallucination
from lipstream.models.speech.recogniser import Hints, InFront, Recogniser, Transcript, Utterance
from lipstream.models.speech.spacing import plain

DOUBTFUL: Final = 0.6
"""Mean confidence of a text under which the other recogniser is asked; `HOPELESS` where it goes on behind another."""
SHARED: Final = 0.3
"""Share of the words of a doubtful text that the other must have heard as well."""
HOPELESS: Final = 0.3
"""Mean confidence of a text under which it must have been `MOST_SHARED`; one in a language that the other does not know
is not believed."""
MOST_SHARED: Final = 0.6


class SecondOpinion(InFront):
    """A recogniser whose doubtful texts are checked against what the listener hears.

    Args:
        reader: the recogniser.
        listener: an engine that knows English.
    """

    def __init__(self, reader: Recogniser, listener: SpeechEngine) -> None:
        super().__init__(reader)
        self._listener = listener

    def load(self) -> None:
        """Load both. Idempotent."""
        super().load()
        self._listener.load()

    def check(self) -> None:
        """See that both can be loaded."""
        super().check()
        self._listener.check()

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        """Read an utterance; see `Recogniser`."""
        read = self.reader.recognise(utterance, hints)
        if not read.words or not utterance.whole or utterance.seen:
            return read
        sure = math.exp(mean_log([word.confidence for word in read.words]))
        doubtful = DOUBTFUL if read.joint is None else HOPELESS
        if sure >= doubtful or self._is_believed(read, sure, utterance, hints):
            return read
        return Transcript(language=read.language, language_probability=read.language_probability, speechless=True)

    def _is_believed(self, read: Transcript, sure: float, utterance: Utterance, hints: Hints) -> bool:
        if read.language != "en" or hints.task != "transcribe":
            return sure >= HOPELESS
        return self._heard(read, utterance) >= (MOST_SHARED if sure < HOPELESS else SHARED)

    def _heard(self, read: Transcript, utterance: Utterance) -> float:
        """Share of the words that the other has heard too."""
        encoding = utterance.encoding or self._listener.encode(utterance.sound)
        other = self._listener.decode(encoding)
        if is_hallucination(other):
            return 0.0
        mine, theirs = _words(read.text), _words(other.text)
        return sum(word in theirs for word in mine) / max(1, len(mine))


def _words(text: str) -> list[str]:
    return [word for each in text.split() if (word := plain(each))]
