"""The sound of a media file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.stream import Stream

from lipstream.config.schema import LimitsConfig, Pace
from lipstream.pipeline import Packet, Port, UserError
from lipstream.stages.media.deliveries import Deliveries
from lipstream.stages.media.limits import DEFAULT, allowed
from lipstream.stages.media.probe import MediaInfo
from lipstream.stages.media.riff import goes_on
from lipstream.stages.media.source import MediaSource
from lipstream.stages.media.time import Timed, without_strays
from lipstream.stages.media.tracks import ANY, Wanted, in_words
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Float32
from lipstream.stages.sound.levelling import levelled
from lipstream.stages.sound.sample_blocks import BLOCK_SAMPLES, SampleBlocks, sample_index
from lipstream.stages.sound.summed import summed
from lipstream.stages.sound.voiced_mix import VoicedMix

TOLERANCE_US = 20_000
"""Timestamps off the sample count by no more than this are rounding: many containers keep milliseconds only."""


class MediaAudio(MediaSource):
    """Emits a file's sound as mono 16 kHz blocks of 512 samples.

    Time is the count of samples, held against the container's timestamps: only a difference beyond `TOLERANCE_US` is
    a gap, which is filled with silence and counted as `audio.filled_seconds`, or an overlap, which is cut off. Channels
    that cancel each other out are not mixed (`VoicedMix`), and very quiet sound is raised (`Leveller`); where something
    of the kind was done, or the file has several tracks, a `Remark` says so.

    Args:
        path: see `MediaSource`, as the next four.
        pace: see there.
        limits: see there.
        wanted: see there.
        deliveries: see there.
        chosen: what is to be said of the choice of tracks, instead of the usual; "" for nothing.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}
    modality = "audio"
    noun = "sound"
    # A window of voice activity: less cannot be heard at all.
    least = BLOCK_SAMPLES * 1_000_000 // SAMPLE_RATE

    def __init__(
        self,
        path: Path,
        pace: Pace = Pace.MAX,
        limits: LimitsConfig = DEFAULT,
        wanted: Wanted = ANY,
        deliveries: Deliveries | None = None,
        chosen: str | None = None,
    ) -> None:
        super().__init__(path, pace, limits, wanted, deliveries)
        self._chosen = chosen
        self._others: list[MediaAudio] = []
        self._channels_told = False

    def _prepare(self, container: InputContainer, info: MediaInfo) -> Stream:
        if info.audio is None:
            raise UserError(f"'{self._path}' has no sound track; expected one, or switch sound off (--no-audio)")
        if self._chosen is not None:
            if self._chosen:
                self.remark("track", self._chosen)
        elif len(info.sounds) > 1:
            self.remark("track", f"all {len(info.sounds)} tracks are mixed")
        elif info.audio.count > 1:
            self.remark("track", f"{in_words(info.audio)} is used; audio.track chooses another")
        if goes_on(self._path):
            self.remark("length", "the file goes on behind the end that its header gives, and is read to its own")
        return container.streams[info.audio.index]

    def open(self) -> None:
        """Open the file, once for each track that is mixed.

        Raises:
            UserError: it cannot be read, has no such track, or is beyond the limits.
        """
        super().open()
        for track in self._info.sounds[1:]:
            other = MediaAudio(self._path, self._pace, self._limits, Wanted(track.number))
            self._others.append(other)
            other.attach(self.context)
            other.open()

    def close(self) -> None:
        """Close the file."""
        for other in self._others:
            other.close()
        super().close()

    def _due(self, packet: Packet[Any]) -> int:
        return packet.end

    def _make_packets(self) -> Iterator[Packet[Any]]:
        return levelled(self._mixed(), lambda text: self.remark("level", text))

    def _mixed(self) -> Iterator[Packet[Any]]:
        """The sound of all tracks that are used."""
        # Not before it is asked for: the others are opened after this one.
        if self._others:
            yield from summed([self._blocks(), *(other._blocks() for other in self._others)])
        else:
            yield from self._blocks()

    def _blocks(self) -> Iterator[Packet[Any]]:
        """The sound of the track."""
        blocks = SampleBlocks()
        run: _Run | None = None
        for timed in without_strays(self._allowed_frames()):
            expected = None if run is None else run.end
            start = self._place(timed, expected)
            if expected is not None and abs(start - expected) <= TOLERANCE_US:
                start = expected
            if run is None or start != expected or not run.accepts(timed.frame):
                if run is not None:
                    yield from blocks.write(run.flush())
                    self._count_gap(start - run.end)
                yield from blocks.seek(sample_index(start))
                run = _Run(timed.frame, start, self._tell_channels)
            yield from blocks.write(run.process(timed.frame))
        if run is not None:
            yield from blocks.write(run.flush())
            yield from blocks.finish()

    def _allowed_frames(self) -> Iterator[Timed[AudioFrame]]:
        for timed in self._frames(_duration):
            if allowed(timed.frame, self._limits):
                yield timed
            else:
                self._report_damage("changes to a sample rate or number of channels beyond the limits")

    def _tell_channels(self, text: str) -> None:
        if not self._channels_told:
            self._channels_told = True
            self.remark("channels", text)

    def _count_gap(self, gap: int) -> None:
        if gap > 0:
            self.context.count("audio.filled_seconds", gap / 1e6)


class _Run:
    """Sound of one format that is unbroken from `start` (us) on; its time is its count of samples."""

    def __init__(self, frame: AudioFrame, start: int, told: Callable[[str], None]) -> None:
        self._mixdown = VoicedMix(frame, told)
        self._rate = frame.sample_rate
        self._start = start
        self._samples = 0

    @property
    def end(self) -> int:
        return self._start + self._samples * 1_000_000 // self._rate

    def accepts(self, frame: AudioFrame) -> bool:
        return self._mixdown.accepts(frame)

    def process(self, frame: AudioFrame) -> Float32:
        self._samples += frame.samples
        return self._mixdown.process(frame)

    def flush(self) -> Float32:
        return self._mixdown.flush()


def _duration(frame: AudioFrame) -> int:
    return frame.samples * 1_000_000 // max(1, frame.sample_rate)
