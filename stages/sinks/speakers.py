"""Who says what, as far as events tell: names, where somebody else takes over, and what is put right later."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lipstream.events import SpeakerChanged, SpeakerNamed, TranscriptFinal, Word
from lipstream.models.speech.spacing import SIGNS, space_of
from lipstream.pipeline.events import Event

_CLOSING: Final = "\"'”’“»›)]}」 "
_GOES_ON_WITHIN: Final = 3.0
"""Seconds: somewhat more than the longest pause over which what is said is read as going on."""

Corrected = tuple[int | None, tuple[int | None, ...]]


@dataclass(frozen=True, slots=True)
class Said:
    """What one person says of a segment.

    Attributes:
        speaker: number of the person; None where that is not known.
        text: what they say.
        words: its words.
        start: seconds.
        end: seconds.
    """

    speaker: int | None
    text: str
    words: tuple[Word, ...]
    start: float
    end: float


class SpeakerBook:
    """What has become known of finals after they were told: who says them, their names, and the signs at their ends."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self._told: set[int] = set()
        self._corrected: dict[tuple[int, int | None], Corrected] = {}
        self._signs: dict[int, str] = {}
        # By the name that is told with it, as that of a voice where a run has two: the newest final.
        self._newest: dict[str | None, TranscriptFinal] = {}

    def take(self, event: Event) -> bool:
        """Learn from an event; returns whether finals told before may be others now."""
        match event:
            case SpeakerChanged():
                self._corrected[event.segment, event.face] = event.speaker, event.words
                return True
            case SpeakerNamed():
                self._told.add(event.speaker)
                if event.name is None:
                    return self.names.pop(event.speaker, None) is not None
                changed = self.names.get(event.speaker) != event.name
                self.names[event.speaker] = event.name
                return changed
            case TranscriptFinal():
                # A final that was on its way when a name was given or taken back knows nothing of that.
                if event.speaker is not None and event.speaker_name is not None and event.speaker not in self._told:
                    self.names.setdefault(event.speaker, event.speaker_name)
                before = self._goes_on_behind(event) if event.joint else None
                self._newest[event.speaker_name] = event
                if before is not None:
                    self._signs[before.segment] = event.joint
                    return True
        return False

    def _goes_on_behind(self, final: TranscriptFinal) -> TranscriptFinal | None:
        """The final whose sentence goes on: the voice's own if it was left open just before, else the newest that was.

        A name may have become known meanwhile, and then it is not that of the voice.
        """
        own = self._newest.get(final.speaker_name)
        others = sorted(self._newest.values(), key=lambda each: each.end, reverse=True)
        return next((each for each in (own, *others) if each is not None and _left_open(each, final.start)), None)

    def amended(self, final: TranscriptFinal) -> TranscriptFinal:
        """A final by what is known now."""
        speaker, words = final.speaker, final.words
        # Two finals of a segment have two faces.
        correction = self._corrected.get((final.segment, final.face), self._corrected.get((final.segment, None)))
        if correction is not None and len(correction[1]) == len(words):
            speaker = correction[0]
            words = tuple(
                dataclasses.replace(word, speaker=number) for word, number in zip(words, correction[1], strict=True)
            )
        text, sign = final.text, self._signs.get(final.segment, "")
        if sign and words and not text.endswith(sign):
            text, last = f"{text}{sign}", words[-1]
            words = (*words[:-1], dataclasses.replace(last, word=f"{last.word}{sign}"))
        name = None if speaker is None else self.names.get(speaker)
        if (speaker, text, words, name) == (final.speaker, final.text, final.words, final.speaker_name):
            return final
        return dataclasses.replace(final, speaker=speaker, text=text, words=words, speaker_name=name)

    def called(self, speaker: int) -> str:
        """What readers call a speaker."""
        return called(speaker, self.names.get(speaker))


def _left_open(final: TranscriptFinal, until: float) -> bool:
    """Whether a final has no sign at its end, and ended so short before that a sentence may go on."""
    return not final.text.rstrip(_CLOSING).endswith(tuple(SIGNS)) and until - final.end <= _GOES_ON_WITHIN


def called(speaker: int, name: str | None) -> str:
    """What readers call a speaker: by name, or by number."""
    return name or f"Speaker {speaker}"


def parts_of(final: TranscriptFinal) -> list[Said]:
    """A segment in parts, each of one speaker; the whole where nobody else takes over."""
    speakers = {word.speaker for word in final.words}
    if len(speakers) < 2:
        speaker = next(iter(speakers), None)
        return [Said(final.speaker if speaker is None else speaker, final.text, final.words, final.start, final.end)]
    space = space_of(final.language)
    groups: list[list[Word]] = []
    for word in final.words:
        if groups and word.speaker in (groups[-1][-1].speaker, None):
            groups[-1].append(
                word if word.speaker is not None else dataclasses.replace(word, speaker=groups[-1][-1].speaker)
            )
        else:
            groups.append([word])
    said, at = [], 0
    for group in groups:
        text, at = _cut(final.text, at, group)
        said.append(_said(group, text or space.join(word.word for word in group)))
    return said


def _cut(text: str, at: int, words: Sequence[Word]) -> tuple[str, int]:
    """What words are in a text, which may have spaces that its language has not, and where they end.

    Empty where they are not in it from a place on.
    """
    first, end = text.find(words[0].word, at), at
    for word in words:
        found = text.find(word.word, end)
        if found < 0:
            return "", at
        end = found + len(word.word)
    return text[first:end], end


def _said(words: Sequence[Word], text: str) -> Said:
    return Said(words[0].speaker, text, tuple(words), words[0].start, max(words[0].start, words[-1].end))


class TurnMarks:
    """What stands before a text where somebody else takes over.

    Args:
        style: "dash", "names" or "none", as `subtitles.speakers`.
        since_second: name nobody without a name before there is a second speaker.
    """

    def __init__(self, style: str, *, since_second: bool = False) -> None:
        self._style = style
        self._since_second = since_second
        self._speaker: int | None = None

    def before(self, said: Said, book: SpeakerBook) -> str:
        """The mark, with a space behind it; empty where the same person goes on, or nobody is known."""
        speaker, known = said.speaker, self._speaker
        if speaker is None or speaker == known:
            return ""
        self._speaker = speaker
        unsaid = self._since_second and known is None and speaker not in book.names
        if self._style == "names" and not unsaid:
            return f"{book.called(speaker)}: "
        return "- " if self._style == "dash" and known is not None else ""
