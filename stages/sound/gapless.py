"""Sound of a live source on the session's timeline, without gaps."""

from __future__ import annotations

import weakref

import numpy as np

from lipstream.pipeline import Source
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Float32
from lipstream.stages.sound.levelling import Leveller

SILENCE_LAG_US = 200_000
"""While nothing comes, silence is filled in up to this long ago (us): what comes next was captured a little before it
arrives, and must still have its place."""
# Session times of neighbouring blocks agree to microseconds; only behind a gap can they be this far apart.
_SEAM_US = 5_000
_LONGEST_BLOCK = SAMPLE_RATE // 2
# Only a longer gap is left when the run is asked to end: what follows a usual one is still heard.
_ALWAYS_FILLED = 60 * SAMPLE_RATE


class GaplessSound:
    """Emits a source's sound on its port "audio", in blocks that follow each other without a gap.

    A gap becomes silence and is counted as `audio.lost_seconds`; what lies before the end of what was emitted is cut
    off. Blocks are half a second at most, and silence is made block by block: a gap may be as long as a laptop sleeps.
    What comes is levelled (`Leveller`).

    Args:
        source: the source; it must have its context before anything is emitted.
    """

    def __init__(self, source: Source) -> None:
        # A reference back would keep a run that is over, networks and all, until the garbage collector comes by.
        self._source: Source = weakref.proxy(source)
        self._end: int | None = None
        self._leveller = Leveller()

    @property
    def begun(self) -> bool:
        """Whether the timeline has a beginning yet."""
        return self._end is not None

    def begin(self, time: int) -> None:
        """Say where the timeline begins (session time, us), unless it has begun."""
        if self._end is None:
            self._end = max(0, time)

    def put(self, samples: Float32, start: int, end: int, filled: int = 0) -> int:
        """Emit samples behind what was emitted before.

        Args:
            samples: (N,) mono at 16 kHz.
            start: session time of the first, microseconds; where nothing was emitted before, the timeline begins there.
            end: session time at which the last one ends, microseconds.
            filled: how many at the beginning are silence in place of sound that was lost.

        Returns:
            Microseconds of silence that had to be filled in before them.
        """
        self.begin(start)
        assert self._end is not None
        gap = start - self._end
        if gap > _SEAM_US:
            self.fill(start)
            if start - self._end > _SEAM_US:
                # The run was asked to end before the gap was filled.
                return gap
        elif gap < -_SEAM_US:
            known = min(len(samples), -gap * SAMPLE_RATE // 1_000_000)
            samples, filled = samples[known:], max(0, filled - known)
        self._emit(samples, end, min(filled, len(samples)))
        return gap if gap > _SEAM_US else 0

    def follow(self, samples: Float32) -> None:
        """Emit samples, (N,), directly behind what was emitted before."""
        end = self._end or 0
        self.put(samples, end, end + len(samples) * 1_000_000 // SAMPLE_RATE)

    def fill(self, until: int) -> None:
        """Emit silence up to a session time (us), if that is later than what was emitted."""
        self.begin(0)
        assert self._end is not None
        start, span = self._end, until - self._end
        missing = span * SAMPLE_RATE // 1_000_000
        if missing > 0:
            self._source.context.count("audio.lost_seconds", missing / SAMPLE_RATE)
        for first in range(0, missing, _LONGEST_BLOCK):
            if first >= _ALWAYS_FILLED and self._source.context.stopping.is_set():
                return
            count = min(_LONGEST_BLOCK, missing - first)
            self._give(AudioBlock(np.zeros(count, np.float32), count), start + span * (first + count) // missing)

    def _emit(self, samples: Float32, end: int, filled: int) -> None:
        assert self._end is not None
        start, span = self._end, max(0, end - self._end)
        if filled:
            self._source.context.count("audio.lost_seconds", filled / SAMPLE_RATE)
        if filled < len(samples):
            samples = np.concatenate([samples[:filled], self._leveller.process(samples[filled:])])
        for first in range(0, len(samples), _LONGEST_BLOCK):
            part = samples[first : first + _LONGEST_BLOCK]
            upto = start + span * (first + len(part)) // len(samples)
            self._give(AudioBlock(part, min(len(part), max(0, filled - first))), upto)

    def _give(self, block: AudioBlock, upto: int) -> None:
        assert self._end is not None
        self._source.emit("audio", block, self._end, upto - self._end)
        self._end = upto
