"""Who says what, as far as events tell: names, where somebody else takes over, and what is put right later."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lipstream.events import SpeakerChanged, SpeakerNamed, TranscriptCorrected, TranscriptFinal, Word
from lipstream.models.speech.spacing import left_open, space_of
from lipstream.pipeline.events import Event
from lipstream.stages.corrected import Key, corrected, key_of
from lipstream.stages.sinks.corrections import Corrections, CorrectionsInMemory

_GOES_ON_WITHIN: Final = 3.0
"""Seconds: somewhat more than the longest pause over which what is said is read as going on."""

Change = tuple[int | None, tuple[int | None, ...]]
"""Who says a segment, and each of its words."""


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
    """What has become known of finals after they were told: their texts, who says them, names, the signs at their ends.

    Args:
        corrections: where corrected texts are kept; all of them in memory if None.
    """

    def __init__(self, corrections: Corrections | None = None) -> None:
        self.names: dict[int, str] = {}
        self._told: set[int] = set()
        self._corrections = CorrectionsInMemory() if corrections is None else corrections
        self._changes: dict[Key, Change] = {}
        # Those that were told before the text was corrected: of the words as they were then.
        self._earlier: dict[Key, Change] = {}
        self._signs: dict[Key, str] = {}
        # By the name that is told with it, as that of a voice where a run has two: the newest final.
        self._newest: dict[str | None, TranscriptFinal] = {}
        self._first: TranscriptFinal | None = None
        self._unknown = False

    def take(self, event: Event) -> bool:
        """Learn from an event; returns whether finals told before may be others now."""
        match event:
            case SpeakerChanged():
                self._changes[event.segment, event.face] = event.speaker, event.words
                return True
            case SpeakerNamed():
                self._told.add(event.speaker)
                if event.name is None:
                    return self.names.pop(event.speaker, None) is not None
                changed = self.names.get(event.speaker) != event.name
                self.names[event.speaker] = event.name
                return changed
            case TranscriptCorrected():
                self._learn_name(event)
                if (change := self._changes.pop(key_of(event), None)) is not None:
                    self._earlier[key_of(event)] = change
                self._corrections.add(event)
                return True
            case TranscriptFinal():
                self._learn_name(event)
                before = self._goes_on_behind(event) if event.joint else None
                self._newest[event.speaker_name] = event
                if before is not None:
                    self._signs[key_of(before)] = event.joint
                return self._begins(event) or before is not None
        return False

    def _learn_name(self, event: TranscriptFinal | TranscriptCorrected) -> None:
        """What was on its way when a name was given or taken back knows nothing of that."""
        if event.speaker is not None and event.speaker_name is not None and event.speaker not in self._told:
            self.names.setdefault(event.speaker, event.speaker_name)

    def _begins(self, final: TranscriptFinal) -> bool:
        """Whether it is the first of which is known who says it, with others before it."""
        if self._first is not None:
            return False
        if all(word.speaker is None for word in final.words) and final.speaker is None:
            self._unknown = True
            return False
        self._first = final
        return self._unknown

    @property
    def first(self) -> int | None:
        """Who speaks first, of those who are known; None as long as nobody is."""
        parts = [] if self._first is None else parts_of(self.amended(self._first))
        return next((said.speaker for said in parts if said.speaker is not None), None)

    def _goes_on_behind(self, final: TranscriptFinal) -> TranscriptFinal | None:
        """The final whose sentence goes on: the voice's own if it was left open just before, else the newest that was.

        A name may have become known meanwhile, and then it is not that of the voice.
        """
        own = self._newest.get(final.speaker_name)
        others = sorted(self._newest.values(), key=lambda each: each.end, reverse=True)
        return next((each for each in (own, *others) if each is not None and _goes_on(each, final.start)), None)

    def amended(self, final: TranscriptFinal) -> TranscriptFinal:
        """A final by what is known now."""
        key = key_of(final)
        change = self._changes.get(key, self._changes.get((final.segment, None)))
        correction = self._corrections.of(final)
        if correction is None:
            now = _closed(_changed(final, change), self._signs.get(key, ""))
        else:
            now = _carried(final, self._earlier.get(key), corrected(final, correction))
            fits = change is not None and len(change[1]) == len(now.words)
            now = _changed(now, change) if fits else _carried(final, change, now)
        name = None if now.speaker is None else self.names.get(now.speaker)
        return now if name == now.speaker_name else dataclasses.replace(now, speaker_name=name)

    def called(self, speaker: int) -> str:
        """What readers call a speaker."""
        return called(speaker, self.names.get(speaker))


def _goes_on(final: TranscriptFinal, until: float) -> bool:
    """Whether a final has no sign at its end, and ended so short before that a sentence may go on."""
    return left_open(final.text) and until - final.end <= _GOES_ON_WITHIN


def _closed(final: TranscriptFinal, sign: str) -> TranscriptFinal:
    """A final with a sign at its end."""
    if not sign or not final.words or final.text.endswith(sign):
        return final
    *words, last = final.words
    last = dataclasses.replace(last, word=f"{last.word}{sign}")
    return dataclasses.replace(final, text=f"{final.text}{sign}", words=(*words, last))


def _changed(final: TranscriptFinal, change: Change | None) -> TranscriptFinal:
    """A final with other speakers; as it is, where those are of other words."""
    if change is None or len(change[1]) != len(final.words):
        return final
    pairs = zip(final.words, change[1], strict=True)
    words = tuple(dataclasses.replace(word, speaker=number) for word, number in pairs)
    return dataclasses.replace(final, speaker=change[0], words=words)


def _carried(told: TranscriptFinal, change: Change | None, now: TranscriptFinal) -> TranscriptFinal:
    """A corrected text with speakers that were told of its words as they were: each goes by the word at its time.

    Whoever corrected the text may have known of them already: what it tells otherwise than the final did is believed.
    """
    changed = _changed(told, change)
    if changed is told or not told.words:
        return now
    pairs = list(zip(told.words, changed.words, strict=True))
    words = []
    for word in now.words:
        was, known = min(pairs, key=lambda pair: abs(pair[0].start + pair[0].end - word.start - word.end))
        if word.speaker != was.speaker:
            return now
        words.append(dataclasses.replace(word, speaker=known.speaker))
    speaker = changed.speaker if now.speaker == told.speaker else now.speaker
    return dataclasses.replace(now, speaker=speaker, words=tuple(words))


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

    Text of nobody known looks as if whoever spoke before went on, or, where nobody did, as that of who speaks first.

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
        known = self._speaker
        speaker = book.first if said.speaker is None and known is None else said.speaker
        if speaker is None or speaker == known:
            return ""
        self._speaker = speaker
        unsaid = self._since_second and known is None and speaker not in book.names
        if self._style == "names" and not unsaid:
            return f"{book.called(speaker)}: "
        return "- " if self._style == "dash" and known is not None else ""
