"""Each sound track of a recording a speaker of its own: a branch from sound to text for each, and one transcript."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lipstream.config import Config
from lipstream.events import Remark, SoundLevel, TranscriptFinal
from lipstream.models.errors import ModelError
from lipstream.models.voice.known import checked_name
from lipstream.pipeline import Degraded, Event, Graph, Recovered, Source
from lipstream.stages.branches import SMALL_BOUNDS
from lipstream.stages.media.tracks import AudioTrack
from lipstream.stages.speaker.in_turn import InTurn, TrackNumbers
from lipstream.stages.speaker.of_track import PeopleOfTracks
from lipstream.stages.speech.joined import LONGEST_PAUSE

PEOPLE = "people"
"""Name of the stage that knows whose faces are whose."""
_READING = 2.0
"""Seconds that it may take to read a segment where somebody waits."""


@dataclass(frozen=True, slots=True)
class SpeakerTrack:
    """A sound track with a speaker.

    Attributes:
        number: of the speaker: which of the tracks that are used it is, from 1.
        name: what the track calls them; None where it has no name.
        source: what delivers the sound, on its port "audio".
    """

    number: int
    name: str | None
    source: Source

    @property
    def prefix(self) -> str:
        """What stands before the names of its components; those of the first have the usual names."""
        return "" if self.number == 1 else f"track{self.number}_"

    @property
    def in_words(self) -> str:
        """What messages call it."""
        return f"track {self.number}" + (f" ({self.name})" if self.name else "")


AddBranch = Callable[[Graph, SpeakerTrack], None]


def names_of(tracks: Sequence[AudioTrack]) -> list[str | None]:
    """What the speakers of tracks are called: by title, else by what the container says of the track, else by language.

    No two have the same name: what says nothing of who it is, is left out.
    """
    names: list[str | None] = [None] * len(tracks)
    for told in (
        [track.title for track in tracks],
        ["" if _is_software(track.handler) else track.handler for track in tracks],
        [track.language or "" for track in tracks],
    ):
        shown = [_shown(each) for each in told]
        for at, name in enumerate(shown):
            if names[at] is None and name is not None and shown.count(name) == 1 and name not in names:
                names[at] = name
    return names


def tracks_in_words(tracks: Sequence[AudioTrack], names: Sequence[str | None]) -> str:
    """The tracks and their speakers: `each of the 2 tracks is a speaker: 1 (Ann), 2`."""
    told = (f"{number}{f' ({name})' if name else ''}" for number, name in enumerate(names, 1))
    return f"each of the {len(tracks)} tracks is a speaker: {', '.join(told)}"


def _longest(config: Config) -> float:
    """Seconds by which the end of a segment may be told later than it begins."""
    return config.vad.max_segment + config.vad.cut_lookback + 1.0


def reading_wait(config: Config) -> float:
    """Seconds of sound after which nothing can be said any more that would be read with what was said before."""
    return LONGEST_PAUSE + _longest(config)


def add_tracks(graph: Graph, config: Config, tracks: Sequence[SpeakerTrack], add_branch: AddBranch) -> None:
    """Add a branch for each track, and what makes one transcript of theirs.

    Args:
        graph: where to add them.
        config: the configuration.
        tracks: in the order of their numbers.
        add_branch: adds sound to text of a track to an empty graph, under the usual names.
    """
    numbers = TrackNumbers(len(tracks))
    graph.add("in_turn", InTurn.of_tracks(len(tracks), _delay(config), shown=config.partials))
    graph.add(PEOPLE, PeopleOfTracks.joining([f"track{track.number}" for track in tracks]))
    for track in tracks:
        branch = Graph()
        add_branch(branch, track)
        graph.include(branch, track.prefix)
        graph.connect(f"{track.prefix}decode.finals", f"in_turn.track{track.number}", SMALL_BOUNDS)
        graph.connect(f"{track.prefix}who.people", f"{PEOPLE}.track{track.number}", SMALL_BOUNDS)
        retell = _Retold(track, numbers).retell
        graph.retold |= {track.prefix + name: retell for name in branch.components}


def _delay(config: Config) -> float:
    """Seconds by which a final may be known later than it begins."""
    longest = _longest(config)
    if config.media_time and not config.partials:
        # Neighbouring segments are read as one.
        return longest + config.speech.join * (1 + LONGEST_PAUSE) + reading_wait(config)
    return longest + _READING


class _Retold:
    """Retells the events of a track's branch: numbers of one row with those of the others, and which track is meant."""

    def __init__(self, track: SpeakerTrack, numbers: TrackNumbers) -> None:
        self._track = track
        self._numbers = numbers

    def retell(self, event: Event) -> Event | None:
        """An event as it is told, None for one that is not."""
        changes: dict[str, Any] = {}
        match event:
            case TranscriptFinal():
                # `InTurn` publishes it when its turn has come.
                return None
            case SoundLevel() if self._track.number > 1:
                return None
            case Remark(kind="track"):
                return event
            case Remark(kind="silence" | "no_speech"):
                # It is told of all tracks by `InTurn`.
                changes |= {"kind": "track", "text": f"{self._track.in_words}: {event.text}"}
            case Remark():
                changes["text"] = f"{self._track.in_words}: {event.text}"
            case Degraded():
                changes["reason"] = f"{self._track.in_words}: {event.reason}"
            case Recovered() if event.reason:
                changes["reason"] = f"{self._track.in_words}: {event.reason}"
        segment = getattr(event, "segment", None)
        if isinstance(segment, int):
            changes["segment"] = self._numbers.of(self._track.number, segment)
        return dataclasses.replace(event, **changes) if changes else event


def _shown(text: str) -> str | None:
    try:
        return checked_name(text)
    except ModelError:
        return None


def _is_software(handler: str) -> bool:
    """Whether a handler is that of a program, such as "SoundHandler" or "Core Media Audio", and names nobody."""
    folded = handler.casefold()
    return any(word in folded for word in ("handler", "media", "audio", "stereo", "surround", "mono"))
