"""Who says a word, as far as its event tells."""

from __future__ import annotations

from collections.abc import Mapping

from lipstream.events import TranscriptFinal, Word
from lipstream.stages.sinks.speakers import called


def speaker_of(final: TranscriptFinal) -> str | None:
    """What subtitles call whoever speaks, where persons are not told apart; None where that is not known.

    A face is called by its number: that of its track, which is another one once the face was out of the picture.
    """
    if final.face is not None:
        return f"Face {final.face}"
    return "Off camera" if final.off_camera else None


class Callers:
    """What subtitles call whoever says a word: a person where persons are told apart, else the face.

    Attributes:
        names: of speakers.
    """

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self._persons = False

    def take(self, final: TranscriptFinal) -> None:
        """Learn from a segment, before its words are asked for."""
        if final.speaker is not None:
            self._persons = True
            if final.speaker_name is not None:
                self.names[final.speaker] = final.speaker_name

    def of(self, final: TranscriptFinal, word: Word) -> str | None:
        """Who says a word of a segment."""
        speaker = word.speaker if word.speaker is not None else final.speaker
        if speaker is not None:
            return called(speaker, self.names.get(speaker))
        # Speech too short to tell whose it is must not look like a change.
        return None if self._persons else speaker_of(final)

    def know(self, names: Mapping[int, str]) -> None:
        """Take names."""
        self.names.update(names)
