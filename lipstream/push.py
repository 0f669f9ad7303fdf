"""`PushSource`: sound and pictures that a program hands over itself."""

from __future__ import annotations

import math
import threading
import time as clocks
from numbers import Real
from typing import get_args

from lipstream.config import Config
from lipstream.pipeline import PipelineError, Source, UserError
from lipstream.stages.payloads import Float32
from lipstream.stages.push.formats import Order, Picture, Samples, kept, mono
from lipstream.stages.push.handover import Handover
from lipstream.stages.push.picture import PushedPicture, Seen
from lipstream.stages.push.sound import Heard as Block
from lipstream.stages.push.sound import PushedSound, Reached
from lipstream.stages.push.timeline import Timeline
from lipstream.stages.sound.resample import supported

_ITEMS = 65_536
_PICTURES = 32
_LOSSLESS_SECONDS = 10.0
# Times that differ from the count of samples by no more than this are rounding, as in files.
_TOLERANCE_US = 20_000
_NEAR_US = 1_000_000


class PushSource:
    """Sound and pictures of a robot, a game, a meeting: whoever has them hands them over, from any thread.

        source = PushSource(video=True)
        live = Pipeline.from_config("live", source=source)
        live.on(TranscriptFinal, print)
        live.start()
        ...
        source.push_audio(samples, 48_000)
        source.push_frame(image)
        ...
        source.end()
        live.wait()

    What the configuration's `mode` is decides how it is dealt with. `live`: pushing never waits; a pause in the sound
    is silence; of pictures that come too fast the newest is taken; sound that waits for more than `audio.buffer`
    seconds is lost and counted. `file`: as fast as it can be captioned, nothing is skipped, the result depends on
    what is pushed alone; pushing waits for room, and sound and picture are to be pushed in order of time, no more than
    two seconds apart.

    A source is for one run.

    Args:
        audio: sound will be handed over.
        video: pictures will be handed over.

    Raises:
        ValueError: neither of them.
    """

    def __init__(self, *, audio: bool = True, video: bool = False) -> None:
        if not (audio or video):
            raise ValueError("expected audio, video or both to be handed over, got neither")
        self.audio = audio
        self.video = video
        self._lock = threading.Lock()
        # Of blocks that are pushed by several threads: each is put in before the next one has its time.
        self._order = threading.Lock()
        self._live = True
        self._sounds: Handover[Block | Reached] | None = None
        self._pictures: Handover[Seen | Reached] | None = None
        self._taken = False
        self._ended = False
        self._end: int | None = None
        self._pushed_at = 0
        self._run_start = 0
        self._run_samples = 0
        self._rate = 0

    def sources(self, config: Config) -> tuple[Source | None, Source | None]:
        """What stands in the graph for microphone and camera; called by `Pipeline`.

        Raises:
            PipelineError: it has a run already.
        """
        if self._taken:
            raise PipelineError("this PushSource belongs to another run already: make a new one for each")
        self._live = not config.lossless
        timeline, own = Timeline(self._live), Timeline(self._live)
        sound: Source | None = None
        picture: Source | None = None
        if self.audio and config.audio.enabled:
            self._sounds = Handover(config.audio.buffer if self._live else _LOSSLESS_SECONDS, _ITEMS)
            sound = PushedSound(config.audio, self._sounds, timeline)
        if self.video and config.video.enabled:
            self._pictures = Handover(float("inf"), _PICTURES)
            limits = config.limits.max_pixels
            pictures = (self._pictures, timeline, own)
            picture = PushedPicture(config.video, config.face.max_fps, limits, *pictures)
        if sound is None and picture is None:
            raise UserError("what would be pushed is switched off: set audio.enabled or video.enabled to true")
        self._timeline, self._taken = timeline, True
        if self._ended:
            self.end()
        return sound, picture

    def push_audio(
        self,
        samples: Samples,
        rate: float | None = None,
        *,
        channels: int = 1,
        time: float | None = None,
    ) -> bool:
        """Hand over the next block of sound, of any length.

        One that is longer than what may wait (`audio.buffer` seconds live, else 10) is handed over in parts, which wait
        for room, or are lost, like blocks of their own.

        Args:
            samples: (N,), or (N, C) of several channels, which are averaged, of int16, int32, uint8, float32 or float64
                in [-1, 1]; bytes of 16-bit little-endian samples; or an `av.AudioFrame`. Copied.
            rate: samples a second, a whole number; not needed for a frame, which has its own.
            channels: of bytes.
            time: of the first sample, in seconds on any clock that pictures use too. None for right behind the block
                before; live, after a pause, for when it comes.

        Returns:
            Whether all of it was taken: False once the run is over, and live, where it finds no room.

        Raises:
            ValueError: samples of another form, a time that is none, or a rate that cannot be resampled: usual ones
                from 8 to 192 kHz can.
            PipelineError: no run has this source; or nobody starts it, and there is no room to wait.
        """
        given = getattr(samples, "sample_rate", None) if rate is None else rate
        rate = _whole(given)
        if rate is None or not supported(rate):
            raise ValueError(f"expected the sound's rate, a usual one from 8000 to 192000, got {given!r}")
        _check_time(time)
        sounds = self._sounds
        if sounds is None:
            return self._unwanted(self.audio, "audio")
        block = mono(samples, channels)
        if not len(block):
            # As if nobody had pushed: live it would else keep a pause from becoming silence.
            return sounds.open
        most = max(1, int(sounds.longest * rate))
        taken = True
        for first in range(0, len(block), most):
            part, at = block[first : first + most], None if time is None else time + first / rate
            taken = self._hand_over(sounds, part, rate, at) and taken
        return taken

    def push_frame(self, picture: Picture, *, order: Order = "rgb", time: float | None = None) -> bool:
        """Hand over a picture.

        Args:
            picture: (H, W, 3) uint8, also (H, W) of gray or (H, W, 4); bytes of a JPEG or PNG file; or an
                `av.VideoFrame`. Copied, but for such a frame, whose content is not to be changed afterwards.
            order: of the colours in an array.
            time: seconds on the clock of the sound. None for the same moment as the sound that was pushed last; live,
                without sound, for when it comes.

        Returns:
            Whether it was taken: False once the run is over.

        Raises:
            ValueError: a picture or an order of another form; a time that is none; no time in a run of no live
                configuration before any sound.
            PipelineError: no run has this source; or nobody starts it, and there is no room to wait.
        """
        if order not in get_args(Order):
            raise ValueError(f"expected the order 'rgb' or 'bgr', got {order!r}")
        _check_time(time)
        pictures = self._pictures
        if pictures is None:
            return self._unwanted(self.video, "video")
        with self._lock:
            moment = self._moment() if time is None else round(time * 1e6)
        if moment is None and not self._live:
            raise ValueError("a picture needs its time here: pass time=..., in seconds")
        seen = Seen(kept(picture), order, moment, pictures.now())
        if self._live:
            return pictures.replace(seen)
        assert moment is not None
        self._timeline.begin(moment)
        taken = pictures.put(seen, 0.0, block=True)
        if self._sounds is not None:
            self._sounds.mark(Reached(moment))
        return taken

    def end(self) -> None:
        """Nothing more will come: the run finishes what it has, and ends; one that is made only later at once."""
        self._ended = True
        for handover in (self._sounds, self._pictures):
            if handover is not None:
                handover.end()

    @property
    def waiting(self) -> float:
        """Seconds of sound that were pushed and not taken up yet."""
        return 0.0 if self._sounds is None else self._sounds.waiting

    def now(self) -> float:
        """Session time in seconds; 0 before the run's time has begun."""
        return max((each.now() for each in (self._sounds, self._pictures) if each is not None), default=0) / 1e6

    @property
    def open(self) -> bool:
        """Whether what is pushed still gets anywhere."""
        return any(each is not None and each.open for each in (self._sounds, self._pictures))

    def _hand_over(self, sounds: Handover[Block | Reached], part: Float32, rate: int, time: float | None) -> bool:
        with self._order:
            with self._lock:
                heard = self._timed(part, rate, time, sounds.now())
            if not self._live:
                self._timeline.begin(heard.start)
            taken = sounds.put(heard, len(part) / rate, block=not self._live)
        if not self._live and self._pictures is not None:
            self._pictures.mark(Reached(heard.end))
        return taken

    # Times.

    def _timed(self, block: Float32, rate: int, time: float | None, arrival: int) -> Block:
        """A block with its times: those that are given, unless they are the count of samples but for rounding."""
        given = None if time is None else round(time * 1e6)
        follows = self._end is not None and (given is None or abs(given - self._end) <= _TOLERANCE_US)
        if not follows or rate != self._rate:
            self._run_start = (self._end or 0) if given is None or follows else given
            self._run_samples, self._rate = 0, rate
        start = self._run_start + self._run_samples * 1_000_000 // rate
        self._run_samples += len(block)
        self._end = self._run_start + self._run_samples * 1_000_000 // rate
        self._pushed_at = clocks.monotonic_ns() // 1000
        return Block(block, rate, start, self._end, given is not None, arrival)

    def _moment(self) -> int | None:
        """The time, on the sound's clock, of what comes now without one; None if the sound tells nothing about it."""
        if self._end is None or not self._live:
            return self._end
        since = clocks.monotonic_ns() // 1000 - self._pushed_at
        return self._end + since if since <= _NEAR_US else None

    def _unwanted(self, declared: bool, what: str) -> bool:
        """Deal with what there is no place for.

        Raises:
            PipelineError: there never will be.
        """
        if not self._taken:
            raise PipelineError("no run has this PushSource: make one with Pipeline.from_config(..., source=...)")
        if not declared:
            raise PipelineError(f"this PushSource was made without {what}: PushSource({what}=True)")
        return False


def _whole(rate: object) -> int | None:
    """A rate as a whole number, also of those who tell it as 48000.0, as PortAudio does; None for anything else."""
    told = float(rate) if isinstance(rate, Real) else math.nan
    return int(told) if told.is_integer() else None


def _check_time(time: float | None) -> None:
    """See whether a time is one.

    Raises:
        ValueError: it is not.
    """
    if time is not None and not math.isfinite(time):
        raise ValueError(f"expected a time in seconds, got {time}")
