"""Who speaks, as it is heard: persons known so far, and whose voice or face the next stretch of speech is."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.voice.clustering import clusters
from lipstream.models.voice.diarization import LEAST, SHARP, Heard, covered, most_likely, unit
from lipstream.models.voice.known import KnownVoice

Float32 = npt.NDArray[np.float32]
Int = npt.NDArray[np.intp]

UNKNOWN: Final = 0.28
"""Likeness under which a voice is none of those known."""
LEAST_NEW: Final = 1.0
"""Seconds of speech before somebody new is believed in, unless a new face says it."""
NAMED: Final = 0.5
"""Likeness from which on a voice is that of somebody who was added by name."""
MARGIN: Final = 0.1
"""By how much it must be more like that than like anybody else who was added."""
LEAST_NAMED: Final = 2.5
"""Seconds of speech before a voice is compared with those who were added."""
_OTHER_FACE: Final = 0.1
"""How much less likely somebody is with another face than has been seen so far."""
_NEVER: Final = -100.0


@dataclass(slots=True, eq=False)
class Person:
    """Somebody who has spoken.

    Attributes:
        number: from 1.
        voice: (D,) sum of the vectors heard, each times its seconds.
        seconds: of speech.
        faces: seconds that each face was seen to speak with this voice.
        name: if known.
    """

    number: int
    voice: npt.NDArray[np.float64]
    seconds: float = 0.0
    faces: dict[int, float] = field(default_factory=dict)
    name: str | None = None

    @property
    def centre(self) -> Float32:
        """The mean voice, of length 1."""
        return unit(self.voice)

    def hear(self, windows: Sequence[Heard]) -> None:
        """Learn from windows that are this person's."""
        for window in windows:
            self.voice += window.voice * window.seconds
            if window.face is not None:
                self.faces[window.face] = self.faces.get(window.face, 0.0) + window.seconds
        self.seconds += covered(windows)


class Persons:
    """The persons of a run.

    Args:
        count: how many there are, if that is known.
        known: voices of people who were added by name.
    """

    def __init__(self, count: int | None = None, known: Sequence[KnownVoice] = ()) -> None:
        self._count = count
        self._known = known
        self.all: list[Person] = []

    def of(self, windows: Sequence[Heard], apart: Set[frozenset[int]], *, settle: bool) -> list[int]:
        """The number of the person who speaks in each window of a segment.

        Args:
            windows: in order of time, at least one.
            apart: pairs of faces that were in one picture.
            settle: the segment is over, learn from it. Otherwise somebody new has a number that holds until then.
        """
        people = [Person(each.number, each.voice.copy(), each.seconds, dict(each.faces)) for each in self.all]
        numbers = self._labels(windows, people, apart)
        if settle:
            names = {person.number: person.name for person in self.all}
            for person in people:
                person.name = names.get(person.number)
            self.all = people
            for person in people:
                person.hear([w for w, number in zip(windows, numbers, strict=True) if number == person.number])
        return numbers

    def with_face(self, face: int) -> int | None:
        """The person whose face it most likely is; None while it has not spoken."""
        held = [(person.faces[face], person.number) for person in self.all if face in person.faces]
        return max(held)[1] if held else None

    def newly_named(self) -> list[Person]:
        """Persons whose voice turns out to be of somebody who was added; they have the name from now on."""
        found = []
        for person in self.all:
            taken = {each.name for each in self.all}
            if person.name is None and person.seconds >= LEAST_NAMED and self._known:
                alike = sorted(((float(each.voice @ person.centre), each.name) for each in self._known), reverse=True)
                second = alike[1][0] if len(alike) > 1 else -1.0
                if alike[0][0] >= NAMED and alike[0][0] - second >= MARGIN and alike[0][1] not in taken:
                    person.name = alike[0][1]
                    found.append(person)
        return found

    def _labels(self, windows: Sequence[Heard], people: list[Person], apart: Set[frozenset[int]]) -> list[int]:
        full = self._count is not None and len(people) >= self._count
        if not people:
            return self._new(windows, people)
        worth = _worth(windows, people, apart)
        unknown = np.full((len(windows), 1), _NEVER if full else SHARP * UNKNOWN)
        segments = np.zeros(len(windows), np.intp)
        path = most_likely(np.hstack([worth, unknown]), segments)
        numbers = [people[each].number if each < len(people) else 0 for each in path]
        for first, last in _runs(numbers):
            if numbers[first] == 0:
                numbers[first:last] = self._whose(windows[first:last], worth[first:last], people, apart)
        return numbers

    def _whose(
        self, windows: Sequence[Heard], worth: npt.NDArray[np.float64], people: list[Person], apart: Set[frozenset[int]]
    ) -> list[int]:
        """Of windows that are like nobody known: somebody new, if that is enough to go by."""
        faces = {window.face for window in windows if window.face is not None}
        seen = {face for person in people for face in person.faces}
        if covered(windows) >= LEAST_NEW or faces - seen:
            return self._new(windows, people)
        best = people[int(np.argmax(worth[:, : len(people)].sum(axis=0)))]
        return [best.number] * len(windows)

    def _new(self, windows: Sequence[Heard], people: list[Person]) -> list[int]:
        """Somebody new, or several; they are put to the people, without what they have said."""
        voices = np.stack([window.voice for window in windows])
        labels = clusters(voices @ voices.T, LEAST)
        groups = [[w for w, each in zip(windows, labels, strict=True) if each == label] for label in range(labels.max() + 1)]
        large = [label for label, group in enumerate(groups) if covered(group) >= LEAST_NEW]
        large = large or [max(range(len(groups)), key=lambda label: covered(groups[label]))]
        room = len(large) if self._count is None else max(1, self._count - len(people))
        large = sorted(sorted(large, key=lambda label: -covered(groups[label]))[:room])
        centres = np.stack([unit(np.sum([w.voice for w in groups[label]], axis=0)) for label in large])
        # By the path again, so that windows over a change do not make a turn of their own.
        path = most_likely(SHARP * (voices @ centres.T).astype(np.float64), np.zeros(len(windows), np.intp))
        used = {index: place for place, index in enumerate(dict.fromkeys(path.tolist()))}
        begin = max((person.number for person in people), default=0) + 1
        for index in used:
            vector = centres[index].astype(np.float64)
            people.append(Person(begin + used[index], vector * 1e-6))
        return [begin + used[index] for index in path.tolist()]


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
                worth[row, column] += SHARP * shares[window.face]
            elif window.face is not None and any(frozenset((window.face, face)) in apart for face in shares):
                worth[row, column] -= 2 * SHARP
            elif window.face is not None and shares:
                worth[row, column] -= _OTHER_FACE * SHARP
            worth[row, column] -= 0.5 * SHARP * sum(shares.get(face, 0.0) for face in window.not_of)
    return worth


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    edges = [0, *(at for at in range(1, len(numbers)) if numbers[at] != numbers[at - 1]), len(numbers)]
    return list(zip(edges, edges[1:], strict=False))
