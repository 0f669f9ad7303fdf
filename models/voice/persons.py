"""Who speaks, as it is heard: persons known so far, and whose voice or face the next stretch of speech is."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.voice.diarization import (
    FACE,
    SHARP,
    Heard,
    covered,
    faces_of,
    most_likely,
    new,
    speakers_of,
    unit,
    unseen_of,
    with_evidence,
)
from lipstream.models.voice.known import KnownVoice

Float32 = npt.NDArray[np.float32]

UNKNOWN: Final = 0.22
"""Likeness to a mean voice under which, for the time being, a voice is none of those known."""
NAMED: Final = 0.64
"""Likeness from which on a voice is that of somebody who was added by name."""
MARGIN: Final = 0.1
"""By how much it must be more like that than like anybody else who was added."""
LEAST_NAMED: Final = 2.5
"""Seconds of speech before a voice is compared with those who were added."""
MOST: Final = 800
"""Windows that are looked back on; of more, every second of the older ones is forgotten."""
SHOWN: Final = 0.8
"""As `EVIDENCE`, while a segment goes on."""
_OTHER_FACE: Final = 0.1
"""How much less likely somebody is with another face than has been seen so far."""


@dataclass(slots=True, eq=False)
class Person:
    """Somebody who has spoken.

    Attributes:
        number: from 1.
        centre: (D,) the mean voice, of length 1.
        seconds: of speech.
        faces: seconds that each face was seen to speak with this voice.
    """

    number: int
    centre: Float32
    seconds: float
    faces: dict[int, float] = field(default_factory=dict)


class Persons:
    """The persons of a run.

    At the end of each segment all voices so far are clustered anew, and each person keeps the number under which most
    of what they said was told.

    Args:
        count: how many there are, if that is known.
        known: voices of people who were added by name.

    Attributes:
        all: the persons.
        revised: by segment, who speaks in its windows by what is known now, where that was told otherwise; of about the
            newest `MOST` / 2 windows.
    """

    def __init__(self, count: int | None = None, known: Sequence[KnownVoice] = ()) -> None:
        self._count = count
        self._known = known
        self._windows: list[Heard] = []
        self._told: list[int] = []
        self._highest = 0
        self._named: dict[int, str] = {}
        self._thinned = 0
        self._unheard: dict[int, int] = {}
        self.all: list[Person] = []
        self.revised: dict[int, tuple[int, ...]] = {}

    def settled(self, windows: Sequence[Heard], apart: Set[frozenset[int]]) -> list[int]:
        """The number of the person who speaks in each window of a segment that is over; learns from it.

        Args:
            windows: in order of time, at least one.
            apart: pairs of faces that were in one picture.
        """
        self._windows += windows
        labels = speakers_of(self._windows, self._count, apart).tolist()
        lengths = [window.seconds for window in self._windows]
        numbers = self._sure(renumbered(labels, self._told, lengths, self._highest), apart)
        self._note_revised(numbers)
        self._told += numbers[len(self._told) :]
        self._highest = max(self._highest, *self._told)
        self._learn(numbers)
        found = self._told[-len(windows) :]
        self._thin()
        return found

    def so_far(self, windows: Sequence[Heard], apart: Set[frozenset[int]]) -> list[int]:
        """The same of a segment that goes on; nothing is learnt. Somebody new has the number that follows."""
        if not self.all:
            return [self._highest + 1] * len(windows)
        worth = _worth(windows, self.all, apart)
        segments = np.zeros(len(windows), np.intp)
        path = most_likely(np.hstack([worth, np.full((len(windows), 1), SHARP * UNKNOWN)]), segments)
        unlike = [window for window, each in zip(windows, path.tolist(), strict=True) if each == len(self.all)]
        full = self._count is not None and len(self.all) >= self._count
        if unlike and (full or not self._is_new(unlike, apart)):
            path = most_likely(worth, segments)
        return [self.all[each].number if each < len(self.all) else self._highest + 1 for each in path.tolist()]

    def with_face(self, face: int) -> int | None:
        """The person whose face it most likely is; None while it has not spoken."""
        held = [(person.faces[face], person.number) for person in self.all if face in person.faces]
        return max(held)[1] if held else None

    def of_face(self, face: int) -> int | None:
        """The person whose face it most likely is; somebody new while it has not spoken by itself.

        Returns:
            The number; None where there are as many as there may be, and it is not known whose of them the face is.
        """
        number = self.with_face(face)
        if number is not None:
            return number
        unheard = sum(each != face and self.with_face(each) is None for each in self._unheard)
        if self._count is not None and len(self.all) + unheard >= self._count:
            return None
        if face not in self._unheard:
            self._highest += 1
            self._unheard[face] = self._highest
        return self._unheard[face]

    def newly_named(self) -> list[tuple[int, str]]:
        """Numbers and names of persons whose voice turns out to be of somebody who was added; each is told once."""
        found = []
        for person in self.all if self._known else ():
            if person.number in self._named or person.seconds < LEAST_NAMED:
                continue
            alike = sorted(((float(each.voice @ person.centre), each.name) for each in self._known), reverse=True)
            second = alike[1][0] if len(alike) > 1 else -1.0
            (best, name) = alike[0]
            if best >= NAMED and best - second >= MARGIN and name not in self._named.values():
                self._named[person.number] = name
                found.append((person.number, name))
        return found

    def _note_revised(self, numbers: Sequence[int]) -> None:
        held: dict[int, list[int]] = {}
        for window, number in zip(self._windows[self._thinned :], numbers[self._thinned :], strict=True):
            held.setdefault(window.segment, []).append(number)
        told: dict[int, list[int]] = {}
        for window, number in zip(self._windows[self._thinned :], self._told[self._thinned :], strict=False):
            told.setdefault(window.segment, []).append(number)
        self.revised = {each: tuple(held[each]) for each, before in told.items() if held[each] != before}

    def _sure(self, numbers: Sequence[int], apart: Set[frozenset[int]]) -> list[int]:
        """Numbers in which whoever is new by too little evidence is, for the time being, the one most alike."""
        told = set(self._told)
        sure = with_evidence(self._windows, numbers, apart, told).tolist()
        names: dict[int, int] = {}
        for number in sure:
            if number not in names:
                # No number is left out.
                names[number] = number if number in told else max(self._highest, *names.values(), 0) + 1
        return [names[number] for number in sure]

    def _is_new(self, windows: Sequence[Heard], apart: Set[frozenset[int]]) -> bool:
        """Whether there is enough evidence that windows of an open segment are of none of the persons."""
        person = _person(0, windows)
        alike = [float(each.centre @ person.centre) - unseen_of(windows, each.faces, apart) for each in self.all]
        nearest = int(np.argmax(alike))
        return new(person.seconds, self.all[nearest].seconds, alike[nearest], SHOWN)

    def _learn(self, numbers: Sequence[int]) -> None:
        self.all = []
        for number in sorted(set(numbers)):
            windows = [window for window, each in zip(self._windows, numbers, strict=True) if each == number]
            self.all.append(_person(number, windows))

    def _thin(self) -> None:
        if len(self._windows) > MOST:
            keep = [*range(0, MOST // 2, 2), *range(MOST // 2, len(self._windows))]
            # The first of the segments that are whole.
            first = self._windows[MOST // 2].segment
            self._windows = [self._windows[at] for at in keep]
            self._told = [self._told[at] for at in keep]
            self._thinned = next(
                (at for at in range(MOST // 4, len(keep)) if self._windows[at].segment > first), len(keep)
            )


def _person(number: int, windows: Sequence[Heard]) -> Person:
    """Somebody who says all of some windows."""
    centre = unit(np.sum([window.voice * window.seconds for window in windows], axis=0))
    return Person(number, centre, covered(windows), faces_of(windows))


def renumbered(labels: Sequence[int], told: Sequence[int], weights: Sequence[float], highest: int = 0) -> list[int]:
    """Labels with the numbers they were told under: each number goes to the label that has most of it.

    Args:
        labels: from 0.
        told: numbers from 1, of the first of them at least.
        weights: how much each counts.
        highest: number that was told before; a label to which none is left has a higher one.
    """
    shared: dict[tuple[int, int], float] = {}
    for label, number, weight in zip(labels, told, weights, strict=False):
        shared[label, number] = shared.get((label, number), 0.0) + weight
    names: dict[int, int] = {}
    for label, number in sorted(shared, key=lambda pair: (-shared[pair], pair)):
        if label not in names and number not in names.values():
            names[label] = number
    following = max(highest, *told, 0) if told else highest
    for label in labels:
        if label not in names:
            following += 1
            names[label] = following
    return [names[label] for label in labels]


def _worth(windows: Sequence[Heard], people: Sequence[Person], apart: Set[frozenset[int]]) -> npt.NDArray[np.float64]:
    """(N, K) how much speaks for each person in each window: voice, and faces that speak or are silent."""
    voices = np.stack([window.voice for window in windows])
    worth = SHARP * (voices @ np.stack([person.centre for person in people]).T).astype(np.float64)
    total: dict[int, float] = {}
    for person in people:
        for face, seconds in person.faces.items():
            total[face] = total.get(face, 0.0) + seconds
    for column, person in enumerate(people):
        shares = {face: seconds / total[face] for face, seconds in person.faces.items()}
        for row, window in enumerate(windows):
            if window.face in shares:
                worth[row, column] += FACE * shares[window.face]
            elif window.face is not None and any(frozenset((window.face, face)) in apart for face in shares):
                worth[row, column] -= 2 * FACE
            elif window.face is not None and shares:
                worth[row, column] -= _OTHER_FACE * SHARP
            worth[row, column] -= FACE * sum(shares.get(face, 0.0) for face in window.not_of)
    return worth
