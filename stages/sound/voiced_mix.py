"""A mixdown that is looked at: where channels cancel out in it, the one that carries the voice is taken instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from av.audio.frame import AudioFrame

from lipstream.models.errors import ModelError
from lipstream.models.speech.vad import WINDOW, SileroVad
from lipstream.stages.payloads import SAMPLE_RATE, Float32
from lipstream.stages.sound.mixdown import Mixdown

STRETCH: Final = 4.0
"""Seconds of sound that are judged together."""

_SPARSE: Final = 4
_OPPOSED: Final = -0.3
"""Correlation from which on down two channels may cancel each other out."""
_AUDIBLE_SHARE: Final = 0.01
"""A channel with less of the loudest one's power cancels nothing out."""
_AUDIBLE: Final = 1e-9
_SPOKEN: Final = 0.5
_LEAST_SPEECH: Final = 0.3
"""Seconds of speech in a stretch for a channel to carry a voice."""
_HEARD_IN_MIX: Final = 0.6
"""Share of a channel's speech that the mix must have for the mix to be as good."""
_PLENTY: Final = 0.6
"""Share of a stretch that is speech in the mix already for the channels not to be listened to."""
_CANDIDATES: Final = 2
_KEEP: Final = 0.8
_FADE: Final = SAMPLE_RATE // 100
_PEAK: Final = np.float32(0.5)


class Judge(Protocol):
    """Tells how much speech there is: `lipstream.models.speech.vad.SileroVad`."""

    def load(self) -> None:
        """Load the network."""

    def reset(self) -> None:
        """Forget the past."""

    def probability(self, window: Float32) -> float:
        """Probability in [0, 1] that a (512,) window is speech."""


class VoicedMix:
    """Mixes frames of one format down as `Mixdown` does, bit for bit, unless that takes the voice away.

    Frames are taken a stretch at a time. Only in a stretch in which two channels are each other's opposite is it looked
    whether there is less speech in the mix than in one of them; that channel then stands in for the mix. What is given
    is aligned as that of `Mixdown` is, but as much as a stretch later.

    Args:
        frame: a frame of the format to convert from.
        told: called with a plain-language line the first time that a channel is taken.
        judge: tells speech.
    """

    def __init__(
        self, frame: AudioFrame, told: Callable[[str], None] = lambda text: None, judge: Judge | None = None
    ) -> None:
        self._mix = Mixdown(frame)
        self._count = frame.layout.nb_channels
        self._rate = frame.sample_rate
        self._told = told
        self._judge: Judge | None = judge or SileroVad()
        self._loaded = False
        self._held: list[AudioFrame] = []
        self._samples = 0
        self._taken = 0
        self._channels: dict[int, _Channel] = {}
        self._chosen: int | None = None

    def accepts(self, frame: AudioFrame) -> bool:
        """Whether a frame has the format this one converts from."""
        return self._mix.accepts(frame)

    def process(self, frame: AudioFrame) -> Float32:
        """Take a frame; (N,) samples of earlier ones, as many as can be given."""
        if self._count < 2:
            return self._mix.process(frame)
        self._held.append(frame)
        self._samples += frame.samples
        return self._settle() if self._samples >= STRETCH * self._rate else np.zeros(0, np.float32)

    def flush(self) -> Float32:
        """The samples still held, (N,). Nothing may be processed afterwards."""
        settled = self._settle() if self._held else np.zeros(0, np.float32)
        rest = self._mix.flush()
        if self._chosen is not None:
            rest = self._channels[self._chosen].flush(rest)
        return np.concatenate([settled, rest])

    def _settle(self) -> Float32:
        frames, self._held, self._samples = self._held, [], 0
        mixed = [self._mix.process(frame) for frame in frames]
        pairs = _opposed(frames, self._count)
        for index in pairs:
            if index not in self._channels:
                self._channels[index] = _Channel(frames[0], index, self._taken, self._mix.given - _total(mixed))
        self._taken += sum(frame.samples for frame in frames)
        mix = np.concatenate(mixed)
        heard = {index: channel.process(frames, mix) for index, channel in self._channels.items()}
        before, self._chosen = self._chosen, self._choose(mix, {index: heard[index] for index in pairs})
        if self._chosen is not None and before is None:
            self._told(
                f"channels cancel out when they are mixed, so channel {self._chosen + 1} of {self._count} is used"
            )
        old, new = (mix if index is None else heard[index] for index in (before, self._chosen))
        return new if before == self._chosen else _faded(old, new)

    def _choose(self, mix: Float32, channels: dict[int, Float32]) -> int | None:
        """The channel that carries a voice which the mix does not; None for the mix."""
        if not channels:
            return None
        peak = max(float(np.abs(each - each.mean()).max(initial=0)) for each in channels.values())
        if peak <= 0:
            return self._chosen
        in_mix = self._speech(mix, peak)
        if in_mix >= _PLENTY * len(mix) / SAMPLE_RATE:
            return None
        loudest = sorted(channels, key=lambda index: (index != self._chosen, -float(np.square(channels[index]).sum())))
        speech = {index: self._speech(channels[index], peak) for index in loudest[:_CANDIDATES]}
        most = max(speech.values())
        if most < _LEAST_SPEECH:
            # Nobody speaks: what was right before will be right again.
            return self._chosen if self._chosen in channels else None
        if in_mix >= _HEARD_IN_MIX * most:
            return None
        if self._chosen is not None and speech.get(self._chosen, 0.0) >= _KEEP * most:
            return self._chosen
        return min((index for index in speech if speech[index] >= _KEEP * most), default=None)

    def _speech(self, sound: Float32, peak: float) -> float:
        """Seconds of speech in a stretch; all are made louder by as much, since little is heard in what is quiet."""
        judge = self._ready()
        if judge is None:
            # Without the network the louder one is the better one.
            return float(np.square(sound - sound.mean()).mean() / peak**2) * STRETCH * 100
        judge.reset()
        louder = ((sound - sound.mean()) * (_PEAK / np.float32(peak))).astype(np.float32)
        windows = range(0, len(louder) - WINDOW + 1, WINDOW)
        spoken = sum(judge.probability(louder[first : first + WINDOW]) >= _SPOKEN for first in windows)
        return spoken * WINDOW / SAMPLE_RATE

    def _ready(self) -> Judge | None:
        if not self._loaded and self._judge is not None:
            self._loaded = True
            try:
                self._judge.load()
            except ModelError:
                self._judge = None
        return self._judge


class _Channel:
    """One channel by itself, from a stretch on, at the places of the mix.

    Args:
        frame: of the format.
        index: which channel.
        taken: samples of the source before its first frame.
        given: samples of the mix that were given by then: fewer than that, since some are held back.
    """

    def __init__(self, frame: AudioFrame, index: int, taken: int, given: int) -> None:
        self._convert = Mixdown(frame, index)
        self._lead = max(0, round(taken * SAMPLE_RATE / frame.sample_rate) - given)

    def process(self, frames: list[AudioFrame], mix: Float32) -> Float32:
        """The channel in place of the mix of the same frames, (N,) as that; its first moments are the mix's own."""
        return self._placed(np.concatenate([self._convert.process(frame) for frame in frames]), mix)

    def flush(self, mix: Float32) -> Float32:
        """What is left of it, in place of what is left of the mix."""
        return self._placed(self._convert.flush(), mix)

    def _placed(self, sound: Float32, mix: Float32) -> Float32:
        result = mix.copy()
        lead, self._lead = self._lead, 0
        count = max(0, min(len(sound), len(mix) - lead))
        result[lead : lead + count] = sound[:count]
        return result


def _opposed(frames: list[AudioFrame], count: int) -> list[int]:
    """The channels that are the opposite of another one, in order."""
    samples = np.concatenate([_planes(frame, count) for frame in frames], axis=1)
    samples -= samples.mean(axis=1, keepdims=True)
    covariance = (samples @ samples.T) / max(1, samples.shape[1])
    power = np.diag(covariance)
    audible = power > max(_AUDIBLE, _AUDIBLE_SHARE * float(power.max()))
    scale = np.sqrt(np.outer(power, power))
    opposed = (covariance < _OPPOSED * scale) & np.outer(audible, audible)
    return [int(index) for index in np.flatnonzero(opposed.any(axis=1))]


def _planes(frame: AudioFrame, count: int) -> Float32:
    """(C, N) samples of a frame, full scale at 1: every fourth, which tells as much of how channels go together."""
    array = frame.to_ndarray()
    planes = (array if frame.format.is_planar else array.reshape(-1, count).T)[:, ::_SPARSE]
    samples: Float32 = planes.astype(np.float32)
    if planes.dtype.kind == "f":
        return np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    if planes.dtype.kind == "u":
        samples -= 128
    samples /= np.float32(1 << (8 * planes.dtype.itemsize - 1))
    return samples


def _faded(old: Float32, new: Float32) -> Float32:
    count = min(_FADE, len(new))
    share = np.linspace(0, 1, count, dtype=np.float32)
    result = new.copy()
    result[:count] = old[:count] * (1 - share) + new[:count] * share
    return result


def _total(pieces: list[Float32]) -> int:
    return sum(len(piece) for piece in pieces)
