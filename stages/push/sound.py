"""Sound that a program hands over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from lipstream.config import AudioConfig
from lipstream.pipeline import Port, Source, micros
from lipstream.pipeline.component import Context
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Float32
from lipstream.stages.push.handover import Handover
from lipstream.stages.push.timeline import Timeline
from lipstream.stages.sound.gapless import SILENCE_LAG_US, GaplessSound
from lipstream.stages.sound.resample import StreamResampler
from lipstream.stages.sound.troubles import SoundTroubles

POLL_SECONDS: Final = 0.05
ORDER_US: Final = 2_000_000
"""Where nothing may be skipped: how far sound and picture may be apart in the order in which they are handed over."""
LONGEST_GAP_US: Final = 60_000_000
"""A longer gap in the program's times is no gap but another clock."""
_SET_BACK_US: Final = 1_000_000
_TROUBLE_AFTER_US: Final = 10_000_000
# The last samples of a block cover the pause up to the next one if it comes not much later than it should.
_SHARE: Final = 1.5
_SEAM_US: Final = 5_000


@dataclass(frozen=True, slots=True)
class Heard:
    """A block of sound.

    Attributes:
        samples: (N,) mono.
        rate: of the samples, in Hz.
        start: the program's time of the first, microseconds.
        end: of the end of the last, microseconds.
        timed: the program tells its times itself.
        arrival: session time at which it came, microseconds.
    """

    samples: Float32
    rate: int
    start: int
    end: int
    timed: bool
    arrival: int


@dataclass(frozen=True, slots=True)
class Reached:
    """What follows of the other stream is later than a time of the program's, microseconds, less `ORDER_US`."""

    time: int


class PushedSound(Source):
    """Emits what a program hands over as mono 16 kHz sound without gaps.

    Live, a pause in what comes becomes silence, so that segments end; after 10 s of it that is reported. Where nothing
    may be skipped, only gaps in the program's times are filled.

    Args:
        config: after how long without sound, live, silence takes its place.
        handover: where it comes from.
        timeline: what tells session time.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}

    def __init__(self, config: AudioConfig, handover: Handover[Heard | Reached], timeline: Timeline) -> None:
        self._patience = micros(config.reopen_after)
        self._handover = handover
        self._timeline = timeline
        self._sound = GaplessSound(self)
        self._troubles = SoundTroubles(self)
        self._resampler: StreamResampler | None = None
        self._rate = 0
        self._anchor = 0
        self._next = 0
        self._end = 0
        # What comes first is placed like what comes after a pause: none of it may lie before the session.
        self._paused = True
        self._last: Heard | None = None
        self._last_arrival = 0
        self._lost = 0.0

    def attach(self, context: Context) -> None:
        """Take up the surroundings; what comes from now on is timed by the run's clock."""
        super().attach(context)
        self._handover.attach(context.clock)

    def produce(self) -> bool:
        """Emit what has come, or live, keep the timeline going without it."""
        item = self._handover.get(POLL_SECONDS)
        if isinstance(item, Heard):
            self._take(item)
        elif isinstance(item, Reached):
            self._fill(self._timeline.time_of(item.time) - ORDER_US)
        elif self._handover.over:
            self._flush()
            return False
        if not self.context.lossless:
            self._look(isinstance(item, Heard))
        return True

    def close(self) -> None:
        """Take nothing any more."""
        self._handover.close()

    # Live: what does not come.

    def _look(self, came: bool) -> None:
        now = self.context.clock.now()
        since = now - self._last_arrival
        block = 0 if self._last is None else self._last.end - self._last.start
        if not came and since >= max(self._patience, round(_SHARE * block)):
            self._flush()
            self._paused = True
            self._fill(now - SILENCE_LAG_US)
        if not came and since >= _TROUBLE_AFTER_US and not self._troubles.gone:
            self._troubles.lose("no sound has been handed over for 10 s, waiting for it")
        if self._handover.lost > self._lost:
            lost, self._lost = self._handover.lost - self._lost, self._handover.lost
            self._troubles.miss(now, f"{lost:.2f} s of sound came faster than they are captioned, and are lost")
        self._troubles.look(now)

    # The sound.

    def _take(self, heard: Heard) -> None:
        if self._troubles.gone:
            self._troubles.find()
        self._place(heard)
        self._paused, self._last, self._last_arrival = False, heard, heard.arrival
        if self._resampler is None or heard.start != self._next or heard.rate != self._rate:
            self._flush()
            self._resampler, self._anchor, self._rate = StreamResampler(heard.rate), heard.start, heard.rate
        self._next = heard.end
        self._emit(self._resampler.given, self._resampler.process(heard.samples))

    def _place(self, heard: Heard) -> None:
        """Find where in session time a block is."""
        length = heard.end - heard.start
        back = self._set_back(heard)
        jumps = back > 0 or (self._last is not None and heard.start - self._last.end >= LONGEST_GAP_US)
        if self.context.lossless:
            if jumps:
                how = f"go back by {back / 1e6:.1f} s" if back else "jump by more than a minute"
                self._flush()
                self.degrade("audio", f"the times of the sound {how}, going on without a gap")
                self._timeline.restart(heard.start, self._end)
            return
        if back:
            told = f"the times of the sound go back by {back / 1e6:.1f} s: their clock was set, going on by the new one"
            self._troubles.miss(heard.arrival, told)
        if self._paused or jumps:
            # It is placed where it came, unless sound that came too fast is there.
            self._flush()
            self._timeline.restart(heard.end, max(heard.arrival, self._end + length))
            return
        missing = self._timeline.tie(heard.end, heard.arrival)
        if missing and not heard.timed:
            self._flush()
            self._timeline.restart(heard.end, heard.arrival)
            self._troubles.miss(heard.arrival, f"{missing / 1e6:.2f} s of sound were not handed over")

    def _set_back(self, heard: Heard) -> int:
        """Microseconds by which the program's clock was set back before a block; 0 where it was not.

        A block that begins behind the beginning of the one before it overlaps with that, and what it repeats is cut.
        One that is less than a second too early is late on its way.
        """
        if self._last is None or heard.start > self._last.start:
            return 0
        back = self._last.end - heard.start
        return back if back >= _SET_BACK_US else 0

    def _emit(self, first: int, samples: Float32) -> None:
        if not len(samples):
            return
        start = self._time_of(first)
        end = self._time_of(first + len(samples))
        if self.context.lossless and start < self._end - _SEAM_US:
            self.degrade("audio", "sound came later than the picture of its time by more than 2 s, and is left out")
        self._sound.put(samples, start, end)
        self._end = max(self._end, end)

    def _fill(self, until: int) -> None:
        if until > self._end:
            self._sound.fill(until)
            self._end = until

    def _flush(self) -> None:
        """Emit what the resampler holds back: nothing follows it directly."""
        if self._resampler is not None:
            given = self._resampler.given
            self._emit(given, self._resampler.flush())
        self._resampler = None

    def _time_of(self, sample: int) -> int:
        return self._timeline.time_of(self._anchor + sample * 1_000_000 / SAMPLE_RATE)
