"""Who speaks when, of a whole recording: windows of speech, what their voices are, and which face was seen to say them.

Windows are clustered, then the clusters' mean voices say of each window whose it most likely is, with a cost for every
change (a hidden Markov model, as Diez et al. 2020, "Analysis of speaker diarization based on Bayesian HMM with
eigenvoice priors", refines its clusters).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.voice.clustering import clusters, in_order

Float32 = npt.NDArray[np.float32]
Int = npt.NDArray[np.intp]

LEAST: Final = 0.25
"""Mean likeness from which on two clusters are one person."""
SAME_FACE: Final = 0.5
"""Likeness that two windows gain if one face says both."""
APART: Final = -4.0
"""Likeness of windows whose faces were in one picture: they cannot be one person."""
LEAST_SECONDS: Final = 2.0
"""Somebody who says less in all than this is taken for the one most alike, unless a face says otherwise."""
MOST_UNITS: Final = 2500
"""Clustering takes memory of the square of what it clusters: more windows than this are put together first."""
SHARP: Final = 8.0
"""How much a likeness counts against a change."""
_CHANGE: Final = 3.0
"""Cost of a change of the speaker between neighbouring windows of a segment."""
_CHANGE_BETWEEN: Final = 0.5
"""The same from one segment to the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A window of speech.

    Attributes:
        segment: number of the stretch of speech it is of.
        start: seconds.
        end: seconds.
        voice: (D,) float32 of length 1, of `VoiceEmbedder`.
        face: the face that is seen to say it; None if none is.
        not_of: faces in view that are not the voice.
    """

    segment: int
    start: float
    end: float
    voice: Float32
    face: int | None = None
    not_of: frozenset[int] = frozenset()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


def speakers_of(windows: Sequence[Heard], count: int | None = None, apart: Set[frozenset[int]] = frozenset()) -> Int:
    """(N,) who speaks in each of N windows, numbered from 0 in the order in which they are first heard.

    Args:
        windows: in order of time; those of a segment may overlap.
        count: how many people there are, if that is known.
        apart: pairs of faces that were in one picture.
    """
    if not windows:
        return np.zeros(0, np.intp)
    units, of_unit = _units(windows)
    labels = clusters(_likeness(units, apart), LEAST, count)[of_unit]
    if count is None:
        labels = without_small(windows, labels)
    for _ in range(2):
        labels = resegmented(windows, labels)
    return in_order(labels)


def _units(windows: Sequence[Heard]) -> tuple[list[Heard], Int]:
    """What is clustered, and to which of them each window belongs."""
    size = -(-len(windows) // MOST_UNITS)
    units: list[Heard] = []
    of = np.empty(len(windows), np.intp)
    begun, held = 0, 0
    for index, window in enumerate(windows):
        first = windows[begun]
        if index and held < size and (window.segment, window.face) == (first.segment, first.face):
            held += 1
        else:
            begun, held = index, 1
            units.append(window)
        of[index] = len(units) - 1
    if size > 1:
        rows = [np.flatnonzero(of == unit) for unit in range(len(units))]
        units = [_joined([windows[row] for row in each]) for each in rows]
    return units, of


def _joined(windows: Sequence[Heard]) -> Heard:
    first, last = windows[0], windows[-1]
    voice = unit(np.sum([each.voice for each in windows], axis=0))
    return Heard(first.segment, first.start, last.end, voice, first.face, first.not_of)


def _likeness(windows: Sequence[Heard], apart: Set[frozenset[int]]) -> Float32:
    voices = np.stack([window.voice for window in windows])
    alike: Float32 = voices @ voices.T
    seen = {face for window in windows for face in (window.face, *window.not_of) if face is not None}
    says = {face: np.array([window.face == face for window in windows]) for face in seen}
    silent = {face: np.array([face in window.not_of for window in windows]) for face in seen}
    for face in seen:
        alike[np.ix_(says[face], says[face])] += SAME_FACE
        alike[np.ix_(says[face], silent[face])] += APART / 8
        alike[np.ix_(silent[face], says[face])] += APART / 8
        for other in seen:
            if frozenset((face, other)) in apart and face != other:
                alike[np.ix_(says[face], says[other])] = APART
    return alike


def without_small(windows: Sequence[Heard], labels: Int, least: float = LEAST_SECONDS) -> Int:
    """Labels in which who says little is taken for the one most alike; a face that nobody else has keeps its own."""
    spoken = {label: covered([w for w, each in zip(windows, labels, strict=True) if each == label]) for label in set(labels.tolist())}
    faces = {label: {w.face for w, each in zip(windows, labels, strict=True) if each == label and w.face is not None} for label in spoken}
    large = [label for label, length in spoken.items() if length >= least]
    if not large:
        large = [max(spoken, key=lambda label: spoken[label])]
    known = set().union(*(faces[label] for label in large))
    found = labels.copy()
    centres = {label: _centre(windows, labels == label) for label in large}
    for label in spoken:
        if label in large or faces[label] - known:
            continue
        rows = labels == label
        mine = _centre(windows, rows)
        shared = [each for each in large if faces[each] & faces[label]]
        found[rows] = max(shared or large, key=lambda each: float(centres[each] @ mine))
    return found


def resegmented(windows: Sequence[Heard], labels: Int) -> Int:
    """Labels by the mean voice of each cluster and the faces it has, with a cost for each change."""
    names = np.unique(labels)
    if len(names) < 2:
        return labels
    centres = np.stack([_centre(windows, labels == name) for name in names])
    voices = np.stack([window.voice for window in windows])
    worth = SHARP * (voices @ centres.T) + _by_faces(windows, labels, names)
    path = most_likely(worth, np.array([window.segment for window in windows]))
    found: Int = names[path]
    return found


def most_likely(worth: npt.NDArray[np.floating], segments: npt.NDArray[np.integer]) -> Int:
    """(N,) the best path through (N, K) of what each of K speakers is worth in each window, changes costing (Viterbi)."""
    count, people = worth.shape
    best = worth[0].astype(np.float64)
    back = np.zeros((count, people), np.intp)
    for row in range(1, count):
        cost = _CHANGE if segments[row] == segments[row - 1] else _CHANGE_BETWEEN
        leader = int(np.argmax(best))
        stays = best >= best[leader] - cost
        back[row] = np.where(stays, np.arange(people), leader)
        best = np.where(stays, best, best[leader] - cost) + worth[row]
    path = np.empty(count, np.intp)
    path[-1] = int(np.argmax(best))
    for row in range(count - 1, 0, -1):
        path[row - 1] = back[row, path[row]]
    return path


def _by_faces(windows: Sequence[Heard], labels: Int, names: Int) -> Float32:
    """(N, K) what faces say for each speaker: for the one whose face speaks, against those whose are silent."""
    held: dict[int, npt.NDArray[np.float64]] = {}
    for window, label in zip(windows, labels, strict=True):
        if window.face is not None:
            held.setdefault(window.face, np.zeros(len(names)))[np.searchsorted(names, label)] += window.seconds
    shares = {face: times / times.sum() for face, times in held.items()}
    worth = np.zeros((len(windows), len(names)), np.float32)
    for row, window in enumerate(windows):
        if window.face is not None:
            worth[row] += SHARP * shares[window.face]
        for face in window.not_of:
            if face in shares:
                worth[row] -= 0.5 * SHARP * shares[face]
    return worth


def _centre(windows: Sequence[Heard], rows: npt.NDArray[np.bool_]) -> Float32:
    return unit(np.sum([window.voice * window.seconds for window, of in zip(windows, rows, strict=True) if of], axis=0))


def unit(vector: npt.NDArray[np.floating]) -> Float32:
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector).astype(np.float32)


def covered(windows: Sequence[Heard]) -> float:
    """Seconds that windows cover together."""
    total, reached = 0.0, -1.0
    for window in windows:
        total += max(0.0, window.end - max(window.start, reached))
        reached = max(reached, window.end)
    return total
