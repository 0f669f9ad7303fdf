"""Who speaks when, of a whole recording: windows of speech, what their voices are, and which face was seen to say them.

Windows are clustered, then the clusters' mean voices say of each window whose it most likely is, with a cost for every
change (a hidden Markov model, as Diez et al. 2020, "Analysis of speaker diarization based on Bayesian HMM with
eigenvoice priors", refines its clusters).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.voice.clustering import clusters, in_order

Float32 = npt.NDArray[np.float32]
Int = npt.NDArray[np.intp]

LEAST: Final = 0.2
"""Mean likeness of their windows from which on two clusters are one person."""
ALIKE: Final = 0.4
"""Likeness of their mean voices from which on two clusters are one person all the same: one in two moods."""
SAME_FACE: Final = 0.3
"""Likeness that two windows gain if one face says both."""
APART: Final = -4.0
"""Likeness of windows whose faces were in one picture: they cannot be one person."""
MIXED: Final = 0.5
"""Part of a mean voice that two others explain, from which on it is no third person but windows over changes."""
_SHARED: Final = 0.2
LEAST_SHARE: Final = 0.07
"""Somebody who says less than this share of all is taken for the one most alike, unless a face says otherwise."""
LEAST_SECONDS: Final = (1.2, 3.0)
"""That share is not less and not more than so many seconds."""
MOST_UNITS: Final = 2500
"""Clustering takes memory of the square of what it clusters: more windows than this are put together first."""
_FINER: Final = (0.25, 0.3, 0.35, 0.4, 0.5, 0.6)
"""Likenesses to try in turn, if there are known to be more people."""
SHARP: Final = 8.0
"""How much a likeness counts against a change."""
OTHER: Final = 0.45
"""Likeness of mean voices that speaks neither for one person nor for two."""
EVIDENCE: Final = 0.6
"""Seconds of speech, times how much less alike than `OTHER` it is, from which on it is somebody's of their own."""
LIPS: Final = 0.6
"""What is taken from that likeness if a face says it that was beside the person's, and added if it is the person's."""
SILENT: Final = 0.2
"""What is taken from it if no face is seen to say it, while the person's is in view and silent."""
FACE: Final = 2.0
"""What a face that speaks counts for its person, and one that is silent against: about a quarter of a sure voice, for
mouths are mistaken more often than voices."""
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
    likeness = _likeness(units, apart)
    for least in (LEAST,) if count is None else (LEAST, *_FINER):
        labels = clusters(likeness, least)[of_unit]
        for _ in range(2):
            labels = without_small(windows, labels)
            labels = _without_mixed(windows, _joined_alike(windows, labels, apart, count))
            labels = resegmented(windows, labels)
        if count is None or len(set(labels.tolist())) >= count:
            break
    return in_order(labels if count is not None else with_evidence(windows, labels, apart))


def with_evidence(
    windows: Sequence[Heard], labels: npt.ArrayLike, apart: Set[frozenset[int]], sure: Set[int] = frozenset()
) -> Int:
    """Labels in which those that too little speaks for are taken for the one most alike.

    Args:
        windows: in order of time.
        labels: (N,) of each.
        apart: pairs of faces that were in one picture.
        sure: labels that are beyond doubt; without any, the one that says most is.
    """
    found = np.array(labels, np.intp)
    names = np.unique(found).tolist()
    voices = dict(zip(names, mean_voices(windows, found, names), strict=True))
    groups = {name: _group(windows, found, name) for name in names}
    spoken = {name: covered(group) for name, group in groups.items()}
    faces = {name: faces_of(group) for name, group in groups.items()}
    kept: list[int] = []
    for name in sorted(names, key=lambda each: (each not in sure, -spoken[each])):
        others = {
            other: float(voices[name] @ voices[other]) - unseen_of(groups[name], faces[other], apart) for other in kept
        }
        nearest = max(others, key=lambda each: others[each], default=name)
        if nearest == name or name in sure or new(spoken[name], spoken[nearest], others[nearest], EVIDENCE):
            kept.append(name)
        else:
            found[found == name] = nearest
    return found


def new(seconds: float, known: float, likeness: float, evidence: float) -> bool:
    """Whether there is so much evidence that speech is of somebody new.

    Args:
        seconds: of the speech.
        known: seconds of the person that it is most like.
        likeness: of their mean voices, less what lips say.
        evidence: of `EVIDENCE`.
    """
    # The mean voice of little speech is not sure, neither the new one nor the one it is compared with.
    return 2 * seconds * known / max(1e-6, seconds + known) * (OTHER - likeness) >= evidence


def faces_of(windows: Sequence[Heard]) -> dict[int, float]:
    """Seconds of speech by the face that is seen to say it."""
    found: dict[int, float] = {}
    for window in windows:
        if window.face is not None:
            found[window.face] = found.get(window.face, 0.0) + window.seconds
    return found


def unseen_of(windows: Sequence[Heard], faces: Mapping[int, float], apart: Set[frozenset[int]]) -> float:
    """How much lips speak against windows being a person's, as a likeness.

    Args:
        windows: of speech.
        faces: seconds that each face was seen to speak as that person.
        apart: pairs of faces that were in one picture.
    """
    if not faces:
        return 0.0
    main = max(faces, key=lambda face: faces[face])
    total = 0.0
    for window in windows:
        if window.face is None:
            total += SILENT * (main in window.not_of)
        elif window.face == main:
            total -= LIPS
        else:
            total += LIPS * (frozenset((window.face, main)) in apart)
    return total / len(windows)


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
        units = [_joined([windows[int(row)] for row in each]) for each in rows]
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


def without_small(windows: Sequence[Heard], labels: Int) -> Int:
    """Labels in which who says little is taken for the one most alike; a face that nobody else has keeps its own."""
    groups = {label: _group(windows, labels, label) for label in dict.fromkeys(labels.tolist())}
    spoken = {label: covered(group) for label, group in groups.items()}
    faces = {label: {window.face for window in group} - {None} for label, group in groups.items()}
    least = float(np.clip(LEAST_SHARE * sum(spoken.values()), *LEAST_SECONDS))
    large = [label for label, length in spoken.items() if length >= least]
    large = large or [max(spoken, key=lambda label: spoken[label])]
    known = {face for label in large for face in faces[label]}
    centres = dict(zip(groups, mean_voices(windows, labels, list(groups)), strict=True))
    found = labels.copy()
    for label in groups:
        if label not in large and not faces[label] - known:
            shared = [each for each in large if faces[each] & faces[label]]
            found[labels == label] = max(shared or large, key=lambda each: float(centres[each] @ centres[label]))
    return found


def _joined_alike(windows: Sequence[Heard], labels: Int, apart: Set[frozenset[int]], count: int | None) -> Int:
    """Labels in which those with like mean voices are one; if it is known how many there are, only so many are left."""
    found = labels.copy()
    while True:
        names = np.unique(found).tolist()
        groups = [_group(windows, found, name) for name in names]
        faces = [{window.face for window in group if window.face is not None} for group in groups]
        centres = mean_voices(windows, found, names)
        alike = centres @ centres.T
        for one in range(len(names)):
            for other in range(one + 1):
                together = any(frozenset((a, b)) in apart for a in faces[one] for b in faces[other])
                silent = max(_silent(groups[one], faces[other]), _silent(groups[other], faces[one]))
                if one == other or (together and count is None):
                    alike[one, other] = alike[other, one] = APART
                else:
                    alike[one, other] = alike[other, one] = alike[one, other] - silent
        one, other = divmod(int(np.argmax(alike)), len(names))
        enough = len(names) < 2 or (len(names) <= count if count is not None else alike[one, other] < ALIKE)
        if enough:
            return found
        found[found == names[other]] = names[one]


def _silent(windows: Sequence[Heard], faces: Set[int]) -> float:
    """Share of windows in which faces are in view and silent."""
    return sum(bool(window.not_of & faces) for window in windows) / len(windows)


def _without_mixed(windows: Sequence[Heard], labels: Int) -> Int:
    """Labels without those whose windows lie over changes from one speaker to another."""
    found = labels.copy()
    while True:
        names = np.unique(found).tolist()
        groups = [_group(windows, found, name) for name in names]
        spoken = [covered(group) for group in groups]
        centres = mean_voices(windows, found, names)
        alike = centres @ centres.T
        for one in sorted(range(len(names)), key=lambda each: spoken[each]):
            others = [each for each in range(len(names)) if spoken[each] > spoken[one] and alike[one, each] >= _SHARED]
            for first, second in combinations(others, 2):
                pair = alike[np.ix_([first, second], [first, second])]
                shares = np.linalg.lstsq(pair, alike[one, [first, second]], rcond=None)[0]
                if (shares > 0).all() and float(shares @ alike[one, [first, second]]) >= MIXED**2:
                    nearest = first if alike[one, first] >= alike[one, second] else second
                    found[found == names[one]] = names[nearest]
                    break
            else:
                continue
            break
        else:
            return found


def resegmented(windows: Sequence[Heard], labels: Int) -> Int:
    """Labels by the mean voice of each cluster and the faces it has, with a cost for each change."""
    names = np.unique(labels)
    if len(names) < 2:
        return labels
    centres = mean_voices(windows, labels, names.tolist())
    voices = np.stack([window.voice for window in windows])
    worth = SHARP * (voices @ centres.T) + _by_faces(windows, labels, names)
    path = most_likely(worth, np.array([window.segment for window in windows]))
    found: Int = names[path]
    return found


def most_likely(worth: npt.NDArray[np.floating], segments: npt.NDArray[np.integer]) -> Int:
    """(N,) the best path through (N, K) of what each of K speakers is worth in each window (Viterbi)."""
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
            worth[row] += FACE * shares[window.face]
        for face in window.not_of:
            if face in shares:
                worth[row] -= FACE * shares[face]
    return worth


def _group(windows: Sequence[Heard], labels: Int, label: int) -> list[Heard]:
    return [windows[int(row)] for row in np.flatnonzero(labels == label)]


def mean_voices(windows: Sequence[Heard], labels: npt.ArrayLike, names: Sequence[int]) -> Float32:
    """(K, D) the mean voice of each of K labels, of length 1.

    A window over a change holds two voices: those beside a window of another label count only where a label has no
    other.

    Args:
        windows: in order of time.
        labels: (N,) of each.
        names: the K labels.
    """
    of = np.asarray(labels)
    voices = np.stack([window.voice for window in windows])
    seconds = np.array([window.seconds for window in windows])
    starts, ends = (np.array([getattr(window, edge) for window in windows]) for edge in ("start", "end"))
    changes = (of[1:] != of[:-1]) & (starts[1:] < ends[:-1])
    inner = ~(np.append(False, changes) | np.append(changes, False))
    found = []
    for name in names:
        rows = of == name
        rows = rows & inner if (rows & inner).any() else rows
        found.append(unit(seconds[rows] @ voices[rows]))
    return np.stack(found)


def unit(vector: npt.NDArray[np.floating]) -> Float32:
    """A vector of length 1 of the same direction; zeros as they are."""
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector).astype(np.float32)


def covered(windows: Sequence[Heard]) -> float:
    """Seconds that windows cover together."""
    total, reached = 0.0, -1.0
    for window in windows:
        total += max(0.0, window.end - max(window.start, reached))
        reached = max(reached, window.end)
    return total
