"""Which language a run was in, and the names of files that have it in them."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

from lipstream.config import Config
from lipstream.events import TranscriptCorrected, TranscriptFinal
from lipstream.pipeline.events import Event
from lipstream.stages.corrected import Key, key_of

CODE = re.compile(r"[a-z]{2,3}")
"""What may stand in a name; a plug-in's recogniser may tell anything."""
_CORRECTED_WITHIN = 64
"""Finals whose text may still be corrected: it is some seconds after them."""


class SpokenLanguage:
    """The language of most words of a run."""

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._newest: OrderedDict[Key, tuple[str | None, int]] = OrderedDict()

    def take(self, event: Event) -> None:
        """Count the words of a finished segment; of a corrected text in place of those before."""
        if not isinstance(event, TranscriptFinal | TranscriptCorrected):
            return
        if isinstance(event, TranscriptCorrected):
            before, count = self._newest.pop(key_of(event), (None, 0))
            if before is not None:
                self._words[before] -= count
        if event.language is not None:
            self._words[event.language] += len(event.words)
        self._newest[key_of(event)] = event.language, len(event.words)
        if len(self._newest) > _CORRECTED_WITHIN:
            self._newest.popitem(last=False)

    @property
    def code(self) -> str | None:
        """Its code; None while none is known."""
        return self._words.most_common(1)[0][0] if self._words else None


def language_of(finals: Iterable[TranscriptFinal], config: Config) -> str | None:
    """The code of the language that what was said is written in: that of most words, else what the user has told."""
    if config.speech.task == "translate":
        return "en"
    spoken = SpokenLanguage()
    for final in finals:
        spoken.take(final)
    told = config.speech.language
    return spoken.code or (None if told == "auto" else told)


class LanguageInName:
    """A file's place by the language that is heard, which is known at the end only.

    Args:
        place: the place for the code of a language.
    """

    def __init__(self, place: Callable[[str], Path]) -> None:
        self._place = place
        self._spoken = SpokenLanguage()

    def take(self, event: Event) -> None:
        """Learn from an event what is spoken."""
        self._spoken.take(event)

    def place(self) -> Path | None:
        """Where the file belongs by what was heard so far; None where no language was told, or none with a code."""
        code = self._spoken.code
        return self._place(code) if code is not None and CODE.fullmatch(code) else None
