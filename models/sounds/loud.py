"""Loud sound that is no speech, told without a network: music by its steady tones, the rest as loud sound.

What is known already is used: how loud it is, and how likely it is speech. Music is told by Continuous Frequency
Activation (K. Seyerlehner, T. Pohle, M. Schedl and G. Widmer, "Automatic Music Detection in Television Productions",
DAFx 2007): tones stay at their frequencies for a while, voices glide. Beeps and bells are steady tones too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lipstream.models.sounds.kinds import Kind
from lipstream.models.sounds.tracker import Change, SoundTracker

Float32 = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
WINDOW = 512
"""Samples between two spectra, 32 ms; each spectrum is of twice as many."""
LOOK = 15
"""Windows from one look to the next, 0.48 s."""
_NEW = 30
"""Windows whose loudness and voice are looked at, 0.96 s."""
_BLOCK = 80
"""Windows whose tones are looked at, 2.56 s."""
_BINS = 257
"""Bins up to 4 kHz."""
_BESIDE = 10
"""Bins to both sides with which a bin is compared."""
_STANDS_OUT = 5.0
"""dB by which a bin is more than those beside it where it has a tone."""
_PEAKS = 5
"""So many of the strongest tones count."""
_REMEMBERED = 60
"""Looks of which the quietest is the background, 29 s."""
_QUIETEST = (-65.0, -60.0)
"""dB of full scale: the background is taken for no quieter than the first, and for the second until it is known."""
_UNKNOWN = 8
"""Looks until the background is known."""
_MUSIC, _LOUD = 0, 1
_MUSIC_LEVEL, _LOUD_LEVEL = -45.0, -40.0
"""dB of full scale under which nothing is told."""
_MUSIC_RISES, _LOUD_RISES = 15.0, 20.0
"""dB by which a sound is louder than the background where it begins."""
_LOUD_FALLS = 8.0
"""dB by which it may become quieter than that."""
_VOICE_IN_MUSIC = 0.3
"""Mean probability of speech up to which tones may begin to be music; what sings is caught by voice activity."""

KINDS: tuple[Kind, ...] = (
    Kind("music", (_MUSIC,), 0.4, 0.3, looks=3),
    Kind("loud sound", (_LOUD,), 0.9, 0.7, looks=4),
)


class LoudSounds:
    """Follows one stream of sound. Not thread-safe."""

    def __init__(self) -> None:
        self._tracker = SoundTracker(KINDS)
        self._hann = np.hanning(2 * WINDOW + 1)[:-1].astype(np.float32)
        self._before = np.zeros(WINDOW, np.float32)
        self._tones: deque[npt.NDArray[np.bool_]] = deque(maxlen=_BLOCK)
        self._powers: deque[float] = deque(maxlen=_NEW)
        self._voices: deque[float] = deque(maxlen=_BLOCK)
        self._levels: deque[float] = deque(maxlen=_REMEMBERED)
        self._count = 0

    def hear(self, samples: Float32, voice: float, end: float) -> list[Change]:
        """Take the next window.

        Args:
            samples: (512,) float32 in [-1, 1], 16 kHz.
            voice: how likely it is speech, in [0, 1].
            end: when it ends, seconds.

        Returns:
            What has begun or is over; the labels are those of `KINDS`.
        """
        both = np.concatenate([self._before, samples])
        self._before = samples
        self._tones.append(_tones(both * self._hann))
        self._powers.append(float(np.dot(samples, samples)) / WINDOW)
        self._voices.append(voice)
        self._count += 1
        if self._count < _NEW or self._count % LOOK:
            return []
        return self._tracker.look(self._scores(), max(0.0, end - _NEW * WINDOW / SAMPLE_RATE), end)

    def finish(self) -> Iterator[Change]:
        """What is over because the stream is."""
        return self._tracker.finish()

    def _scores(self) -> Float32:
        """(2,) in [0, 1]: how much it is music, and how much loud sound."""
        powers = np.array(self._powers)
        level = float(_decibels(powers.mean()))
        background = max(_QUIETEST[0], min(self._levels)) if len(self._levels) >= _UNKNOWN else _QUIETEST[1]
        self._levels.append(float(_decibels(powers).mean()))
        rise = level - background
        voices = np.array(self._voices)
        music = steadiness(np.array(self._tones))
        loud = 1 - float(voices[-_NEW:].mean())
        voiced = float(voices.mean())
        if music >= KINDS[_MUSIC].ends or level < _LOUD_LEVEL - _LOUD_FALLS or rise < _LOUD_RISES - _LOUD_FALLS:
            loud = 0.0
        elif level < _LOUD_LEVEL or rise < _LOUD_RISES:
            loud = min(loud, _going_on(KINDS[_LOUD]))
        if level < _MUSIC_LEVEL or voiced > 0.5:
            music = 0.0
        elif rise < _MUSIC_RISES or voiced > _VOICE_IN_MUSIC:
            music = min(music, _going_on(KINDS[_MUSIC]))
        return np.array([music, loud], np.float32)


def steadiness(tones: npt.NDArray[np.bool_]) -> float:
    """How steady the five steadiest tones are: the mean of the shares of time by which they stand out, in [0, 1].

    Args:
        tones: (T, F), whether each bin has a tone in each spectrum.
    """
    share = tones.mean(axis=0)
    inner = share[1:-1]
    peaks = np.flatnonzero((inner > share[:-2]) & (inner >= share[2:])) + 1
    if not len(peaks):
        return 0.0
    valleys = np.flatnonzero((inner <= share[:-2]) & (inner < share[2:])) + 1
    valleys = np.concatenate([[0], valleys, [len(share) - 1]])
    right = np.searchsorted(valleys, peaks)
    heights = share[peaks] - np.maximum(share[valleys[right - 1]], share[valleys[right]])
    return float(np.sort(heights)[-_PEAKS:].sum()) / _PEAKS


def _going_on(kind: Kind) -> float:
    """A score with which a sound goes on and does not begin."""
    return (kind.begins + kind.ends) / 2


def _tones(windowed: Float32) -> npt.NDArray[np.bool_]:
    """(257,): which bins of (1024,) samples stand out of those beside them."""
    spectrum = _decibels(np.abs(np.fft.rfft(windowed)) ** 2 + 1e-7)[: _BINS + _BESIDE]
    padded = np.concatenate([np.full(_BESIDE, spectrum[0]), spectrum])
    total = np.concatenate([[0.0], np.cumsum(padded)])
    width = 2 * _BESIDE + 1
    mean = (total[width:] - total[:-width]) / width
    found: npt.NDArray[np.bool_] = spectrum[:_BINS] - mean[:_BINS] > _STANDS_OUT
    return found


def _decibels(power: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return 10 * np.log10(np.maximum(power, 1e-10))
