"""Which of the faces in view is the speaker's."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lipstream.models.face.tracking import Box

# Moving lips decide. Between silent faces, or when everybody talks, the largest and most central one is the best
# guess. A silent face cannot outrank a talking one: size and place together weigh less than full motion.
MOTION_WEIGHT = 0.6
SIZE_WEIGHT = 0.25
CENTRE_WEIGHT = 0.15

MOTION_TIME_CONSTANT = 0.7
"""Seconds after which a lip movement counts 1/e. Longer than a pause between words, shorter than a turn to speak."""

TALKING_DEVIATION = 0.03
"""Standard deviation of the aperture at which a face talks for certain. A still mouth has 0.005 to 0.01 by noise."""

STILL_DEVIATION = 0.01

TALKING_LEVEL = 0.25
"""Motion, in [0, 1], from which on lips count as talking."""

MAX_WEIGHT = 0.25
"""The most one frame counts for, however long the one before is past: below 5 fps the memory gets longer instead."""

MAX_CHANGE = 0.1
"""Lips leave their mean opening by more than this only when the landmarks jump."""


@dataclass(frozen=True, slots=True)
class SpeakerCandidate:
    """One face of a frame.

    Attributes:
        id: its identity over time.
        box: x0, y0, x1, y1 in pixels.
        aperture: of its lips, see `lipstream.models.face.lips.aperture`.
        looked: whether the lips were looked at in this frame, or some frames ago.
    """

    id: int
    box: Box
    aperture: float
    looked: bool = True


class _Motion:
    """Exponentially weighted standard deviation of one face's aperture, for any spacing of the frames.

    Finch, "Incremental calculation of weighted mean and variance", University of Cambridge, 2009. The deviation and
    not the speed: noise has a speed that grows with the frame rate. The frame that adds most is left out, so that a
    single wild one does not look like speech.
    """

    def __init__(self, aperture: float, timestamp_us: int) -> None:
        self._mean = aperture
        self._variance = 0.0
        self._largest_part = 0.0
        self._timestamp_us = timestamp_us

    def update(self, aperture: float, timestamp_us: int) -> None:
        elapsed = (timestamp_us - self._timestamp_us) / 1_000_000
        weight = min(MAX_WEIGHT, 1 - math.exp(-elapsed / MOTION_TIME_CONSTANT))
        change = min(MAX_CHANGE, max(-MAX_CHANGE, aperture - self._mean))
        part = (1 - weight) * weight * change * change
        self._mean += weight * change
        self._variance = (1 - weight) * self._variance + part
        self._largest_part = max((1 - weight) * self._largest_part, part)
        self._timestamp_us = timestamp_us

    @property
    def level(self) -> float:
        """0 for still lips, 1 for lips that talk."""
        deviation = math.sqrt(max(0.0, self._variance - self._largest_part))
        return min(1.0, max(0.0, (deviation - STILL_DEVIATION) / (TALKING_DEVIATION - STILL_DEVIATION)))


class SpeakerSelector:
    """Chooses the speaker among the tracked faces, and does not change its mind lightly.

    A face's score is the weighted sum of its lip motion, its size relative to the largest face in view, and its
    nearness to the middle of the frame, each in [0, 1]. Another face becomes the speaker's when its score has been
    `margin` above the present one's for `hold` seconds without a break; no single frame can do that. When the
    present face is lost, the best one in view follows at once. Equal scores go to the face that came first.

    Args:
        margin: lead in score, in [0, 1], that a challenger needs.
        hold: seconds the lead must last.
    """

    def __init__(self, margin: float = 0.1, hold: float = 0.6) -> None:
        self._margin = margin
        self._hold_us = round(hold * 1_000_000)
        self._motion: dict[int, _Motion] = {}
        self._leading_since_us: dict[int, int] = {}
        self._speaker: int | None = None
        self._speaker_score = 0.0

    @property
    def speaker(self) -> int | None:
        """Id of the chosen face, None before there is one."""
        return self._speaker

    @property
    def talking(self) -> frozenset[int]:
        """Ids of the faces whose lips move as they do in speech."""
        return frozenset(id_ for id_, motion in self._motion.items() if motion.level >= TALKING_LEVEL)

    def update(
        self,
        candidates: Sequence[SpeakerCandidate],
        lost: Collection[int],
        frame_size: tuple[int, int],
        timestamp_us: int,
    ) -> int | None:
        """Take in one frame and return the id of the speaker's face, None when there has been no face.

        A speaker missing from `candidates` but not `lost` stays chosen: a short miss is not a change of speaker.

        Args:
            candidates: the faces seen in this frame, in any order.
            lost: ids given up for good at this frame.
            frame_size: width and height in pixels.
            timestamp_us: the frame's time in microseconds, later than that of the call before.
        """
        self._forget(lost)
        for candidate in candidates:
            self._follow_lips(candidate, timestamp_us)
        scores = self._scores(candidates, frame_size)
        if self._speaker is None:
            self._choose(_best(scores), scores)
            return self._speaker
        self._speaker_score = scores.get(self._speaker, self._speaker_score)
        self._note_leads(scores, timestamp_us)
        ripe = {
            id_: scores[id_]
            for id_, since_us in self._leading_since_us.items()
            if timestamp_us - since_us >= self._hold_us
        }
        if ripe:
            self._choose(_best(ripe), scores)
        return self._speaker

    def reset(self) -> None:
        """Forget all faces, as after a seek or a reopened camera."""
        self._motion.clear()
        self._choose(None, {})

    def _forget(self, lost: Collection[int]) -> None:
        for id_ in lost:
            self._motion.pop(id_, None)
        if self._speaker in lost:
            self._choose(None, {})

    def _follow_lips(self, candidate: SpeakerCandidate, timestamp_us: int) -> None:
        motion = self._motion.get(candidate.id)
        if motion is None:
            self._motion[candidate.id] = _Motion(candidate.aperture, timestamp_us)
        elif candidate.looked:
            motion.update(candidate.aperture, timestamp_us)

    def _scores(self, candidates: Sequence[SpeakerCandidate], frame_size: tuple[int, int]) -> dict[int, float]:
        largest = max((_height(candidate.box) for candidate in candidates), default=0.0)
        return {
            candidate.id: MOTION_WEIGHT * self._motion[candidate.id].level
            + SIZE_WEIGHT * (_height(candidate.box) / largest if largest > 0 else 0.0)
            + CENTRE_WEIGHT * _centrality(candidate.box, frame_size)
            for candidate in candidates
        }

    def _note_leads(self, scores: dict[int, float], timestamp_us: int) -> None:
        needed = self._speaker_score + self._margin
        leaders = {id_ for id_, score in scores.items() if id_ != self._speaker and score >= needed}
        self._leading_since_us = {id_: self._leading_since_us.get(id_, timestamp_us) for id_ in leaders}

    def _choose(self, speaker: int | None, scores: dict[int, float]) -> None:
        self._speaker = speaker
        self._speaker_score = 0.0 if speaker is None else scores[speaker]
        self._leading_since_us = {}


def _best(scores: dict[int, float]) -> int | None:
    return max(scores, key=lambda id_: (scores[id_], -id_), default=None)


def _height(box: Box) -> float:
    return box[3] - box[1]


def _centrality(box: Box, frame_size: tuple[int, int]) -> float:
    """1 in the middle of the frame, 0 in its corners and beyond."""
    width, height = frame_size
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return max(0.0, 1 - math.hypot(x - width / 2, y - height / 2) / math.hypot(width / 2, height / 2))
