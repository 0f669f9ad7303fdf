"""Cutting what was said into cues that can be read in time.

Limits follow the Netflix Timed Text Style Guide, General Requirements (two lines of 42 characters, 17 characters a
second, 5/6 s to 7 s a cue, two frames between cues).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from lipstream.config.subtitles import SubtitlesConfig
from lipstream.events import SoundEvent, TranscriptFinal
from lipstream.stages.sinks.subtitles.cue import Cue, Spoken
from lipstream.stages.sinks.subtitles.lines import broken, least_lines, width
from lipstream.stages.sinks.subtitles.pieces import Piece, Pieces
from lipstream.stages.sinks.subtitles.sound_marks import CHAINED_MS, SoundMarks
from lipstream.stages.sinks.subtitles.tally import Tally
from lipstream.stages.sinks.subtitles.width import columns

LONGEST_PAUSE_MS = 1500
"""No cue goes on over a longer pause: it would tell what is said long before."""
_SHORT_PAUSE_MS = 300
_HURRY, _BRIEF, _LONE, _TWO_VOICES = 8.0, 2.0, 4.0, 1.2
"""Costs, beside 1 for each cue: twice as many characters a second as there may be; next to no time; a single word; two
voices."""
_SHORT = 4
"""Columns that are no more than a word in scripts without spaces."""
_DASH = "-"


class CueCutter:
    """Cuts segments into cues as they come; the last cue is open until more is known of what follows.

    A segment, with the open cue before it, is cut at the least cost: that of the cues (so that few are made), of
    parting what belongs together, of reading in too little time, of lone words, of pauses within. A cue ends when its
    text can have been read, at the latest a gap before the next.

    Of two who speak at once the second has cues of its own, beside those of the first: cues overlap there and nowhere
    else.

    Args:
        rules: the limits and marks.
        beside: the cues are those of a second person: a dash marks them, whatever else is in them.

    Attributes:
        tally: how many of the cues keep to the limits; complete after `finish`.
    """

    def __init__(self, rules: SubtitlesConfig, *, beside: bool = False) -> None:
        self.tally = Tally(rules)
        self._rules = rules
        self._gap = round(rules.gap * 1000)
        self._longest = round(rules.max_duration * 1000)
        # A name takes half of a line at most, and a word the rest.
        self._pieces = Pieces(rules.max_chars - (rules.max_chars // 2 if rules.speakers == "names" else 0))
        self._open: list[Piece] = []
        self._voice: str | None = None
        self._reached = 0
        self._beside = beside
        self._said = 0.0
        self._held: list[Cue] = []

    def add(self, final: TranscriptFinal) -> list[Cue]:
        """Take a segment; gives the cues that are thereby settled."""
        if final.overlaps and final.start < self._said:
            self._hold(final)
            return []
        self._said = final.end
        settled = self._add(final)
        if final.overlaps:
            # Those of the second person, which are to come, may lie before the last of them.
            self._held += settled
            return []
        return self._in_order(settled)

    def _hold(self, final: TranscriptFinal) -> None:
        """Make the cues of a second person; they wait until all that come before them are settled."""
        second = CueCutter(self._rules, beside=True)
        second.know(self._pieces.callers.names)
        cues = [*second.add(dataclasses.replace(final, overlaps=False)), *second.finish()]
        for cue in cues:
            self.tally.add_beside(cue)
        self._held += cues

    def _in_order(self, settled: list[Cue]) -> list[Cue]:
        if not self._held:
            return settled
        until = self._open[0].start if self._open else math.inf
        ripe = [cue for cue in self._held if cue.start <= until]
        self._held = [cue for cue in self._held if cue.start > until]
        return sorted([*settled, *ripe], key=lambda cue: cue.start)

    def _add(self, final: TranscriptFinal) -> list[Cue]:
        pieces = self._open + self._pieces.of(final)
        if not pieces:
            return []
        *settled, (first, _) = self._cuts(pieces)
        self._open = pieces[first:]
        cues = []
        for first, last in settled:
            cue = self._cue(pieces[first:last], pieces[last].start)
            cues.append(cue)
            self._settle(cue, pieces[first:last])
        return cues

    def know(self, names: Mapping[int, str]) -> None:
        """Take names of speakers, for words that come."""
        self._pieces.callers.know(names)

    def pending(self) -> list[Cue]:
        """The open cue as it would be if nothing followed, and others that wait for it; empty if there are none."""
        return sorted([*self._still_open(), *self._held], key=lambda cue: cue.start)

    def _still_open(self) -> list[Cue]:
        return [self._cue(self._open, None)] if self._open else []

    def finish(self) -> list[Cue]:
        """The open cue, which nothing follows."""
        cues, pieces, self._open = self._still_open(), self._open, []
        for cue in cues:
            self._settle(cue, pieces)
        return self._in_order(cues)

    def _settle(self, cue: Cue, pieces: Sequence[Piece]) -> None:
        self.tally.add(cue)
        self._reached = cue.end
        self._voice = next((piece.voice for piece in reversed(pieces) if piece.voice is not None), self._voice)

    # Where to cut.

    def _cuts(self, pieces: Sequence[Piece]) -> list[tuple[int, int]]:
        """Ranges of pieces, one a cue, at the least total cost: shortest path over the places to cut."""
        best: list[tuple[float, int]] = [(0.0, 0)]
        for last in range(1, len(pieces) + 1):
            least, begin = math.inf, last - 1
            for first, cost in self._beginnings(pieces, last):
                # The lines cost something too, which takes long to find out, and mostly needs not be known.
                if (known := best[first][0] + cost) < least:
                    total = known + self._line_cost(pieces[first:last])
                    least, begin = min((least, begin), (total, first))
            best.append((least, begin))
        cuts = []
        last = len(pieces)
        while last > 0:
            first = best[last][1]
            cuts.append((first, last))
            last = first
        return cuts[::-1]

    def _beginnings(self, pieces: Sequence[Piece], last: int) -> Iterator[tuple[int, float]]:
        """Where a cue that ends before `last` may begin, and what it costs but for its lines."""
        rules, end = self._rules, pieces[last - 1]
        most = rules.max_chars * rules.max_lines
        chars, within, turns = 0, 0.0, 1
        for first in range(last - 1, -1, -1):
            piece = pieces[first]
            chars += piece.columns
            if first < last - 1:
                after = pieces[first + 1]
                pause = after.start - piece.end
                if pause > LONGEST_PAUSE_MS or end.end - piece.start > self._longest or chars > most:
                    return
                chars += len(after.space)
                within += 1.5 * max(0, pause - _SHORT_PAUSE_MS) / 1000 + (_TWO_VOICES if after.turn else 0.0)
                turns += after.turn
                # What fits in a line needs no look at how it is broken.
                close = chars > rules.max_chars or turns > 1 or rules.speakers == "names"
                if close and not self._fit(_turns(pieces[first:last])):
                    return
            yield first, within + self._cost(pieces, first, last, chars)

    def _may_share(self, turns: Sequence[Sequence[Piece]]) -> bool:
        """Two voices may share a cue, each with a line of whole sentences: in mid-sentence nobody takes over."""
        return self._rules.speakers != "none" and len(turns) <= min(2, self._rules.max_lines) and turns[1][0].sentence

    def _fit(self, turns: Sequence[Sequence[Piece]]) -> bool:
        rules = self._rules
        # Whether a name is shown is known when all before is cut; there is room for it in any case.
        marks = [columns(self._mark(_voice_of(turn), len(turns))) for turn in turns]
        if len(turns) > 1:
            wide = (mark + width(turn) <= rules.max_chars for mark, turn in zip(marks, turns, strict=True))
            return self._may_share(turns) and all(wide)
        return least_lines(turns[0], rules.max_chars - marks[0]) <= rules.max_lines

    def _mark(self, voice: str | None, turns: int) -> str:
        """What stands before the words of a voice in a cue of so many."""
        if self._rules.speakers == "names" and voice is not None:
            name = f"{voice}: "
            return name if columns(name) <= self._rules.max_chars // 2 else ""
        return _DASH if self._rules.speakers == "dash" and (turns > 1 or self._beside) else ""

    def _cost(self, pieces: Sequence[Piece], first: int, last: int, chars: int) -> float:
        rules, start = self._rules, pieces[first].start
        cost = 1.0 + 0.5 * (1 - min(1.0, chars / (rules.max_chars * rules.max_lines))) ** 2
        if last < len(pieces):
            following = pieces[last]
            pause = max(0, following.start - pieces[last - 1].end) / 1000
            cost += max(0.0, (0.0 if following.turn else following.cut) - 2 * pause)
            room = (min(following.start - self._gap, start + self._longest) - start) / 1000
            cost += _HURRY * max(0.0, chars / max(room, 0.05) / rules.max_cps - 1)
            cost += _BRIEF * max(0.0, 1 - room / rules.min_duration) if rules.min_duration else 0.0
        return cost + (_LONE if first == last - 1 or chars <= _SHORT else 0.0)

    def _line_cost(self, cue: Sequence[Piece]) -> float:
        rules = self._rules
        if any(piece.turn for piece in cue[1:]) or width(cue) <= rules.max_chars:
            return 0.0
        return broken(cue, rules.max_chars, rules.max_lines)[0]

    # What a cue is.

    def _cue(self, pieces: Sequence[Piece], following: int | None) -> Cue:
        start = max(pieces[0].start, self._reached)
        rows, voices = self._rows(pieces)
        lines = tuple("".join(word.text for word in row) for row in rows)
        draft = Cue(start, start + 1, lines, rows, voices)
        spoken = max(pieces[-1].end, start + 1)
        read = start + -(-draft.chars * 1000 // self._rules.max_cps)
        wanted = max(spoken, int(read), start + round(self._rules.min_duration * 1000))
        if following is not None:
            latest = following - self._gap
            if latest - wanted < CHAINED_MS:
                wanted = latest
            if wanted <= start:
                # There is no room for the gap; where two speak at once, the one waits until the other has been shown.
                least = start + round(self._rules.min_duration * 1000)
                wanted = following if following > start else max(spoken, least)
        end = max(start + 1, min(wanted, start + self._longest))
        return Cue(start, end, lines, rows, voices)

    def _rows(self, pieces: Sequence[Piece]) -> tuple[tuple[tuple[Spoken, ...], ...], tuple[str | None, ...]]:
        rules, rows, voices = self._rules, [], []
        turns = _turns(pieces)
        known = self._voice
        for turn in turns:
            voice = _voice_of(turn)
            mark = self._mark(voice, len(turns))
            room = rules.max_chars - columns(mark)
            if rules.speakers == "names" and voice == known:
                mark = ""
            known = voice or known
            begins = (0,) if len(turns) > 1 else broken(turn, room, rules.max_lines)[1]
            for first, last in zip(begins, (*begins[1:], len(turn)), strict=True):
                rows.append(_row(turn[first:last], mark))
                voices.append(voice)
                mark = ""
        return tuple(rows), tuple(voices) if any(voices) else ()


def cut(
    finals: Iterable[TranscriptFinal],
    rules: SubtitlesConfig,
    sounds: Iterable[SoundEvent] = (),
    names: Mapping[int, str] = MappingProxyType({}),
) -> list[Cue]:
    """The cues of a whole run, at the times of what was said and heard.

    Args:
        finals: what was said, in order.
        rules: the limits and marks.
        sounds: what was heard besides.
        names: of speakers, as they are known at the end.
    """
    cutter, marks = CueCutter(rules), SoundMarks(rules)
    cutter.know(names)
    for sound in sounds:
        marks.add(sound)
    cues = [cue for final in finals for cue in cutter.add(final)]
    return [*marks.among(cues + cutter.finish()), *marks.rest()]


def shown(
    finals: Iterable[TranscriptFinal],
    rules: SubtitlesConfig,
    sounds: Iterable[SoundEvent] = (),
    names: Mapping[int, str] = MappingProxyType({}),
) -> list[Cue]:
    """The same, moved as the rules say; what would come before the beginning is left out."""
    moved = (cue.shifted(round(rules.shift * 1000)) for cue in cut(finals, rules, sounds, names))
    return [cue for cue in moved if cue is not None]


def _turns(pieces: Sequence[Piece]) -> list[Sequence[Piece]]:
    begins = [0, *(index for index, piece in enumerate(pieces) if piece.turn and index)]
    return [pieces[first:last] for first, last in zip(begins, [*begins[1:], len(pieces)], strict=True)]


def _row(pieces: Sequence[Piece], mark: str) -> tuple[Spoken, ...]:
    texts = [mark + pieces[0].text, *(piece.space + piece.text for piece in pieces[1:])]
    return tuple(Spoken(text, piece.start, piece.end) for text, piece in zip(texts, pieces, strict=True))


def _voice_of(turn: Sequence[Piece]) -> str | None:
    return next((piece.voice for piece in turn if piece.voice is not None), None)
