"""Lips of people whom nobody enrolled: what is heard of other voices is taken away before the words are read.

The frames of the speech encoder are not rewritten. Where others speak while the visible mouth speaks (`overlap`), the
sound itself is softened in those bands that belong to other voices, and is encoded once more; and words of which the
recogniser is unsure are left out there, since among several voices most of them are nobody's. Everywhere else nothing
happens: where no mouth is seen, where one voice alone is heard, be it that of the mouth or another, and where the mouth
is not that of any voice heard.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from lipstream.models.av_speech.lip_input import lip_frames
from lipstream.models.av_speech.overlap import Moments, overlapping
from lipstream.models.av_speech.recording import BLENDSHAPES, CROP, LIP_RATE, LIP_SAMPLES, POINTS, Bool, Float32
from lipstream.models.av_speech.sound_frames import FEATURES, SOUND, sound_frames
from lipstream.models.av_speech.two_voices import both_heard, competing, softened
from lipstream.models.av_speech.voice_bands import COMPRESSED, HOP, RATE, Complex64, powers, spectrum, with_gains
from lipstream.models.errors import ModelError
from lipstream.models.exported import ExportedNetwork
from lipstream.models.face.lips import opening
from lipstream.models.shared import made_of, shared
from lipstream.models.speech.engine import Encoding, SpeechEngine
from lipstream.models.speech.fusion import FusedSpeech, Fusion, LipSample, PartedSpeech, VoicePart

if TYPE_CHECKING:
    # It runs in torch, which is imported for those alone who have a profile.
    from lipstream.models.av_speech.lip_fusion import LipFusion

ACTIVE_SPEAKER: Final = Path(__file__).parent / "weights" / "own_voice.onnx"
TARGET_MASK: Final = Path(__file__).parent / "weights" / "voice_mask.onnx"
_WARM: Final = 25
"""Lip frames of the first run, of which nothing is used."""
_NEAR: Final = 0.05
"""Seconds within which a lip frame stands for a moment."""

_HALF: Final = 0.5
_AROUND: Final = 11
"""Lip frames over which the own voice is looked for, to doubt a word or not: about as long as a word."""
_FADE: Final = 5
"""Frames over which gains set in and end."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How far other voices are taken away where they overlap; tuned on speakers of the training part.

    Attributes:
        least: share of the loudness of the overlaps that must belong to others before anything is done.
        full: share from which on it is done in full; between the two the gains are softened.
        shortest: seconds of sound; in less, two voices are hardly told apart, and nothing is done.
        crowd: share of the time in which others are heard, about which they are several: one alone makes pauses.
        sharpness: power of the gains beside one voice: above 1, what is doubtful is taken for another voice. In a crowd
            the gains are used as they are.
        floor: least gain.
        sure: confidence under which a word heard among several voices is left out, where the mouth is not found to be
            the voice.
        likely: the same where it is found: what is doubtful is then mostly the speaker's own.
        own: probability that the mouth is the voice heard, from which on it is found, on the average over `_AROUND`.
    """

    least: float = 0.15
    full: float = 0.2
    shortest: float = 1.0
    crowd: tuple[float, float] = (0.94, 0.97)
    sharpness: float = 1.4
    floor: float = 0.05
    sure: float = 0.35
    likely: float = 0.2
    own: float = 0.1


def thresholds_for(recogniser: str) -> Thresholds:
    """When to act for who reads finished speech, by its name; what is chosen of words is told by how sure each is.

    Whisper is less sure of the words it has right than Moonshine, and makes up fewer.
    """
    return Thresholds(sure=0.2, likely=0.1) if recogniser == "whisper" else Thresholds()


class MouthEvidence(NamedTuple):
    """What the visible mouth says about a segment, in L lip frames on a grid of 25 Hz.

    Attributes:
        own: (L,) probability that the mouth is the voice heard.
        seen: (L,) where a mouth is seen.
        beside: (1, L, SOUND) the sound at the times of the lips.
        evidence: (1, L, EVIDENCE) what the mask network is given.
        opening: (L,) gap between the inner lips (`lipstream.models.face.lips.opening`), 0 where no mouth is seen.
    """

    own: Float32
    seen: Bool
    beside: Float32
    evidence: Float32
    opening: Float32


class Judgement(NamedTuple):
    """Whose the sound of a segment is: N samples, T frames of 24 ms.

    Attributes:
        lines: (T, lines) spectrum of the sound.
        gains: (T, BANDS) what of it is not another voice's.
        overlap: (T,) bool, where the visible speaker and others are heard at once.
        removed: share of the loudness there that is others', in [0, 1]; 0 without such a place.
        others: mean probability there that another voice is heard.
    """

    lines: Complex64
    gains: Float32
    overlap: Bool
    removed: float
    others: float


class GeneralFusion(Fusion):
    """Softens other voices than that of the visible mouth.

    A function of sound and lips alone: the same segment has the same text each time. One processor thread.

    Args:
        engine: what encodes once more what was softened, for a recogniser that reads frames; None for one that reads
            the sound.
        inner: refines the frames of an enrolled user. The sound is then left as it is, and only judged.
        thresholds: when to act.
        active_speaker: graph of `ActiveSpeakerNet`.
        target_mask: graph of `TargetMaskNet`.
        softens: whether anything is done at all, or it is only told whether the mouth is the voice.
    """

    uses_lips = True

    def __init__(
        self,
        engine: SpeechEngine | None,
        inner: LipFusion | None = None,
        thresholds: Thresholds | None = None,
        active_speaker: Path = ACTIVE_SPEAKER,
        target_mask: Path = TARGET_MASK,
        *,
        softens: bool = True,
    ) -> None:
        self._engine = engine
        self._inner = inner
        self._thresholds = thresholds or Thresholds()
        self._softens = softens
        self._files = active_speaker, target_mask
        self._networks: tuple[ExportedNetwork, ExportedNetwork] | None = None

    def load(self) -> None:
        """Load the networks and the recogniser. Idempotent.

        Raises:
            ModelError: weights are missing or unusable.
        """
        if self._engine is not None:
            self._engine.load()
        if self._inner is not None:
            self._inner.load()
        if self._networks is None:
            parts = tuple(map(made_of, self._files))
            self._networks = shared(("general fusion", *parts), self._open)
            shared(("general fusion has run", *parts, self._inner is None), self._warm_up)

    def _open(self) -> tuple[ExportedNetwork, ExportedNetwork]:
        active_speaker, target_mask = map(ExportedNetwork, self._files)
        return active_speaker, target_mask

    def _warm_up(self) -> None:
        """Run the networks in use once: the first run takes longer, which would delay the first words."""
        frames = _WARM * LIP_SAMPLES // HOP
        silence = np.zeros((frames, SOUND - 1), np.float32)
        features, inner = silence[:, :FEATURES], silence[:, FEATURES:]
        encoding = Encoding(features, LIP_RATE * LIP_SAMPLES / HOP, _WARM * LIP_SAMPLES, features[:, 0], inner)
        picture, points = np.zeros((CROP, CROP), np.uint8), np.zeros((POINTS, 2), np.float32)
        blendshapes = np.zeros(BLENDSHAPES, np.float32)
        lips = [LipSample(index / LIP_RATE, picture, points, blendshapes) for index in range(_WARM)]
        mouth = self.look(encoding, lips)
        self.judge(mouth, np.zeros(_WARM * LIP_SAMPLES, np.float32))

    def fuse(self, encoding: Encoding, sound: Float32, lips: Sequence[LipSample]) -> FusedSpeech:
        """See `Fusion.fuse`.

        The gate is the share of the loudness of a frame that was taken away.

        Raises:
            ModelError: `load` was not called.
        """
        if not any(sample.points is not None for sample in lips):
            return FusedSpeech(encoding)
        if encoding.inner is None or encoding.levels is None:
            # A recogniser that does not show its inner layers: nobody can tell whose voice it hears.
            return FusedSpeech(encoding) if self._inner is None else self._inner.fuse(encoding, sound, lips)
        mouth = self.look(encoding, lips)
        own = _at_encoding(mouth, encoding)
        if self._inner is not None:
            fused = self._told(self._inner.fuse(encoding, sound, lips), mouth, sound)
            return dataclasses.replace(fused, active_speaker=own)
        if not self._softens or not self._is_enough(mouth):
            return FusedSpeech(encoding, active_speaker=own)
        found = self.judge(mouth, sound)
        if found.removed <= self._thresholds.least:
            return FusedSpeech(encoding, active_speaker=own)
        gains = self._gains(found)
        heard = with_gains(found.lines, gains, len(sound))
        gate = 1 - _kept(found.lines, gains)[1]
        again = encoding if self._engine is None else self._engine.encode(heard)
        count = len(again.features)
        at_once = _resampled(found.overlap.astype(np.float32), count) > _HALF
        again = dataclasses.replace(again, least_confidence=self._asked(mouth, at_once))
        return FusedSpeech(again, _resampled(gate, count), own, heard)

    def part(
        self, encoding: Encoding, sound: Float32, mouths: tuple[Sequence[LipSample], Sequence[LipSample]]
    ) -> PartedSpeech | None:
        """See `Fusion.part`; who has enrolled is not told apart from others.

        Raises:
            ModelError: `load` was not called.
        """
        if not self._softens or self._inner is not None or encoding.inner is None or encoding.levels is None:
            return None
        if not all(any(sample.points is not None for sample in lips) for lips in mouths):
            return None
        looks = [self.look(encoding, lips) for lips in mouths]
        if not all(map(self._is_enough, looks)):
            return None
        one, other = (self.judge(mouth, sound) for mouth in looks)
        both = both_heard(one.overlap, other.overlap)
        if not both.any():
            return None
        mine = self._voice_part(encoding, sound, looks[0], one, competing(one.gains, other.gains), both)
        theirs = self._voice_part(encoding, sound, looks[1], other, competing(other.gains, one.gains), both)
        return PartedSpeech((mine, theirs), _resampled(both.astype(np.float32), len(mine.share)) > _HALF)

    def _voice_part(
        self, encoding: Encoding, sound: Float32, mouth: MouthEvidence, found: Judgement, gains: Float32, both: Bool
    ) -> VoicePart:
        applied = softened(gains, _faded(both))
        heard = with_gains(found.lines, applied, len(sound))
        again = encoding if self._engine is None else self._engine.encode(heard)
        count = len(again.features)
        at_once = _resampled(both.astype(np.float32), count) > _HALF
        again = dataclasses.replace(again, least_confidence=self._asked(mouth, at_once))
        times = np.arange(len(both)) / RATE
        own = np.interp(times, np.arange(len(mouth.own)) / LIP_RATE, np.where(mouth.seen, mouth.own, 0.0))
        taken, share = (_kept(found.lines, each)[1] for each in (applied, gains))
        return VoicePart(
            again, heard, _resampled(1 - taken, count), _resampled(share, count), float(np.mean(own[both]))
        )

    def without_lips(self, encoding: Encoding) -> Encoding:
        """What becomes of an encoding with the lips masked: the very same, unless somebody is enrolled."""
        return encoding if self._inner is None else self._inner.without_lips(encoding)

    def look(self, encoding: Encoding, lips: Sequence[LipSample]) -> MouthEvidence:
        """Judge whether the mouth is the voice; arguments as of `fuse`.

        Raises:
            ModelError: `load` was not called, or the recogniser gives no inner layers.
        """
        active_speaker, _ = self._loaded()
        samples = _on_grid(lips, encoding.duration)
        frames, mask = lip_frames(samples)
        beside = sound_frames(encoding, (np.arange(len(mask)) / LIP_RATE).astype(np.float32))[None]
        own, evidence = active_speaker(lips=frames[None], seen=mask[None], sound=beside)
        openings = [0.0 if each.points is None else float(opening(each.points)) for each in samples]
        return MouthEvidence(own[0], mask, beside, evidence, np.array(openings, np.float32))

    def judge(self, mouth: MouthEvidence, sound: Float32) -> Judgement:
        """Tell the own voice from others in (N,) sound.

        Raises:
            ModelError: `load` was not called.
        """
        lines = spectrum(sound)
        gains, other = self.mask(mouth, powers(lines))
        loud, kept = _kept(lines, gains)
        moments = Moments(mouth.own, mouth.opening, mouth.seen, loud, kept, other)
        overlap = overlapping(moments)
        if not overlap.any():
            return Judgement(lines, gains, overlap, 0.0, 0.0)
        removed = float(((1 - kept) * loud)[overlap].sum() / loud[overlap].sum())
        return Judgement(lines, gains, overlap, removed, float(other[overlap].mean()))

    def mask(self, mouth: MouthEvidence, bands: Float32) -> tuple[Float32, Float32]:
        """Run the mask network.

        Args:
            mouth: what is seen, and the frames of the encoder beside it.
            bands: (T, BANDS) powers of the sound.

        Returns:
            (T, BANDS) gains in [0.05, 1], and (T,) the probability that another voice is heard.

        Raises:
            ModelError: `load` was not called.
        """
        _, target_mask = self._loaded()
        gains, others = target_mask(powers=bands[None], sound=mouth.beside, evidence=mouth.evidence)
        return gains[0], others[0]

    def others(self, mouth: MouthEvidence, sound: Float32) -> float | None:
        """Share of the loudness of others who speak while the mouth does; None where that cannot be told.

        Raises:
            ModelError: `load` was not called.
        """
        return self.judge(mouth, sound).removed if self._is_enough(mouth) else None

    def _loaded(self) -> tuple[ExportedNetwork, ExportedNetwork]:
        if self._networks is None:
            raise ModelError("general fusion is not loaded: call load() first")
        return self._networks

    def _is_enough(self, mouth: MouthEvidence) -> bool:
        """Whether there is enough to see and hear for telling voices apart; else the mask need not run."""
        return len(mouth.seen) >= self._thresholds.shortest * LIP_RATE and bool(mouth.seen.any())

    def _told(self, fused: FusedSpeech, mouth: MouthEvidence, sound: Float32) -> FusedSpeech:
        """What was made of an enrolled user's frames, with what else is to be told of them: nothing here."""
        return fused

    def _asked(self, mouth: MouthEvidence, at_once: Bool) -> Float32:
        """(T,) the confidence that a word must have which is heard in each encoder frame."""
        thresholds = self._thresholds
        kernel = np.ones(_AROUND)
        seen = np.convolve(mouth.seen, kernel, mode="same")
        own = np.convolve(np.where(mouth.seen, mouth.own, 0.0), kernel, mode="same") / np.maximum(seen, 1.0)
        times = (np.arange(len(at_once)) + 0.5) * (HOP / LIP_SAMPLES)
        found = np.interp(times, np.arange(len(own)), own) >= thresholds.own
        return np.where(at_once, np.where(found, thresholds.likely, thresholds.sure), 0.0).astype(np.float32)

    def _gains(self, found: Judgement) -> Float32:
        """(T, BANDS) what to multiply the sound by: 1 where nobody overlaps."""
        thresholds = self._thresholds
        depth = float(np.interp(found.removed, (thresholds.least, thresholds.full), (0.0, 1.0)))
        sharpness = float(np.interp(found.others, thresholds.crowd, (thresholds.sharpness, 1.0)))
        least = np.maximum(np.power(found.gains, sharpness), thresholds.floor)
        gains: Float32 = np.power(least, depth * _faded(found.overlap)[:, None])
        return gains


def _on_grid(lips: Sequence[LipSample], duration: float) -> list[LipSample]:
    """The lip frame nearest to each moment of a 25 Hz grid over the sound; unseen where none is near."""
    times = np.array([sample.time for sample in lips])
    grid = []
    for moment in np.arange(max(1, int(duration * LIP_RATE))) / LIP_RATE:
        nearest = int(np.abs(times - moment).argmin())
        near = abs(times[nearest] - moment) <= _NEAR
        grid.append(lips[nearest] if near else LipSample(float(moment), None, None, None))
    return grid


def _kept(lines: Complex64, gains: Float32) -> tuple[Float32, Float32]:
    """(T,) loudness of each frame, and the part of it that the gains leave."""
    loud = np.power(powers(lines), COMPRESSED / 2)
    whole = np.maximum(loud.sum(axis=1), 1e-9)
    return whole, np.clip((gains * loud).sum(axis=1) / whole, 0, 1)


def _faded(flags: Bool) -> Float32:
    """(T,) 1 within stretches, falling to 0 at their edges."""
    inside = np.convolve(np.pad(flags, _FADE, mode="edge"), np.full(_FADE, 1 / _FADE), mode="same")
    return inside[_FADE:-_FADE].astype(np.float32)


def _resampled(values: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    """Frames centred on the samples t * 384 as `count` frames that begin there."""
    at = np.arange(count) + 0.5
    return np.asarray(np.interp(at, np.arange(len(values)), values), np.float32)


def _at_encoding(mouth: MouthEvidence, encoding: Encoding) -> npt.NDArray[np.float32]:
    times = (np.arange(len(encoding.features)) + 0.5) / encoding.frame_rate
    own = np.interp(times, np.arange(len(mouth.own)) / LIP_RATE, mouth.own)
    nearest = (times * LIP_RATE).round().astype(int).clip(0, len(mouth.seen) - 1)
    return np.asarray(np.where(mouth.seen[nearest], own, np.nan), np.float32)
