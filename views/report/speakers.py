"""How much each speaker says, in how many turns, and who speaks into whose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lipstream.events import TranscriptFinal
from lipstream.stages.sinks.speakers import SpeakerBook, parts_of

PAUSE = 1.0
"""Seconds without a word within which a turn goes on, if nobody else speaks."""
_OVERLAP = 0.1
"""Seconds that two must speak at once to be counted: words' times are not sharper than that."""

Span = tuple[float, float]


@dataclass(slots=True)
class SpeakerShare:
    """What one person says.

    Attributes:
        speaker: number.
        name: what readers call this person.
        turns: start and end of each, seconds.
        words: how many.
        seconds: of turns.
        overlap: seconds in which somebody else speaks too.
        interruptions: how often this person begins while somebody else speaks, who then stops first.
    """

    speaker: int
    name: str
    turns: list[Span] = field(default_factory=list)
    words: int = 0
    seconds: float = 0.0
    overlap: float = 0.0
    interruptions: int = 0


def shares_of(finals: Iterable[TranscriptFinal], book: SpeakerBook) -> list[SpeakerShare]:
    """One for each speaker, by number.

    Args:
        finals: by what is known of them.
        book: who is called how.
    """
    found: dict[int, SpeakerShare] = {}
    last: int | None = None
    for final in finals:
        for said in parts_of(final):
            if said.speaker is None:
                continue
            share = found.setdefault(said.speaker, SpeakerShare(said.speaker, book.called(said.speaker)))
            share.words += len(said.words)
            if last == said.speaker and share.turns and said.start - share.turns[-1][1] <= PAUSE:
                share.turns[-1] = share.turns[-1][0], max(share.turns[-1][1], said.end)
            else:
                share.turns.append((said.start, said.end))
            last = said.speaker
    for share in found.values():
        share.seconds = sum(end - start for start, end in share.turns)
        others = [turn for other in found.values() if other is not share for turn in other.turns]
        for start, end in share.turns:
            for begun, over in others:
                together = min(end, over) - max(start, begun)
                if together >= _OVERLAP:
                    share.overlap += together
                    share.interruptions += begun < start and over <= end
    return [found[number] for number in sorted(found)]
