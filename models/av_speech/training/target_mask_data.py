"""Mixtures of a visible speaker with others, and what of each band is not another voice: what the mask learns from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from lipstream.models.av_speech.active_speaker_net import ActiveSpeakerNet, centred
from lipstream.models.av_speech.recording import LIP_RATE, LIP_SAMPLES, Float32
from lipstream.models.av_speech.sound_frames import sound_frames
from lipstream.models.av_speech.target_mask_net import FLOOR, loudness_of
from lipstream.models.av_speech.training.active_speaker_data import Hear
from lipstream.models.av_speech.training.lip_augment import LipSequence, at_speed
from lipstream.models.av_speech.training.mixtures import Noise, babble, beside, in_a_room
from lipstream.models.av_speech.training.voices import at_rate
from lipstream.models.av_speech.voice_bands import powers, spectrum

LIP_FRAMES: Final = 125
"""Lip frames of a mixture: 5 s."""
_AUDIBLE: Final = 3e-3
"""Power from which another voice counts as heard, in parts of the mixture's mean."""
_SPED: Final = 0.35
"""Share of the mixtures whose speaker is played faster or slower, sound and lips: as of another person."""
_SPEEDS: Final = (0.87, 1.15)
_LATE: Final = 0.25
"""Share whose sound is late or early."""
LATEST: Final = 3
"""Lip frames by which it is at most: 0.12 s."""
_STRANGE: Final = 0.08
"""Share whose lips are somebody else's."""


@dataclass(frozen=True, slots=True, eq=False)
class Speaker:
    """A recording of a visible speaker.

    Attributes:
        name: who speaks.
        sound: (N,) what is heard.
        lips: what is seen.
        active: (L,) bool, whether the speaker speaks.
    """

    name: str
    sound: Float32
    lips: LipSequence
    active: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """T frames of a mixture, with L lip frames; float16 throughout.

    Attributes:
        bands: (T, BANDS) of `loudness_of`.
        gains: (T, BANDS) in [FLOOR, 1], wanted.
        other: (T,) whether another voice is heard: 0 or 1.
        sound: (L, SOUND).
        evidence: (L, EVIDENCE).
        own: (L,) whether the mouth is a voice that is heard: 0 or 1.
        late: lip frames by which the sound is behind the lips; less than 0 where it is before them.
        strange: whether the lips are somebody else's. The gains and `other` are then of no use.
    """

    bands: Tensor
    gains: Tensor
    other: Tensor
    sound: Tensor
    evidence: Tensor
    own: Tensor
    late: int = 0
    strange: bool = False


def make_mixtures(
    speakers: Sequence[Speaker],
    voices: Sequence[Float32],
    count: int,
    seed: int,
    hear: Hear,
    active_speaker: ActiveSpeakerNet,
    report: Callable[[int, int], None],
) -> list[Mixture]:
    """Mix speakers with each other and with further voices.

    Args:
        speakers: who is extracted, at least two people.
        voices: other people's, beside the speakers' own.
        count: of mixtures.
        seed: of everything random.
        hear: the speech encoder.
        active_speaker: trained on the same speakers.
        report: told how many are done, and how many there are.
    """
    weights = np.sqrt([len(each.sound) for each in speakers])
    weights /= weights.sum()
    found = []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        speaker = speakers[int(rng.choice(len(speakers), p=weights))]
        strangers = [each for each in speakers if each.name != speaker.name]
        # Half of the other voices are of the kind that is to be kept: only the lips tell which is which.
        others = [each.sound for each in strangers] if not voices or rng.random() < 0.5 else voices
        found.append(_mixture(_excerpt(speaker, strangers, rng), others, rng, hear, active_speaker))
        report(index + 1, count)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Excerpt:
    """Some seconds of a speaker: (N,) sound, (L, INPUTS) frames of lips with their mask; the rest as of `Mixture`."""

    sound: Float32
    frames: Tensor
    mask: Tensor
    active: Tensor
    late: int
    strange: bool


def _excerpt(speaker: Speaker, strangers: Sequence[Speaker], rng: np.random.Generator) -> _Excerpt:
    """A part of a recording, as it is or changed in one way."""
    kind, there = rng.random(), len(speaker.lips.mask)
    speed = float(rng.uniform(*_SPEEDS)) if kind < _SPED else 1.0
    count = min(there, round(LIP_FRAMES * speed))
    first = int(rng.integers(0, there - count + 1))
    late = int(rng.integers(-LATEST, LATEST + 1)) if _SPED <= kind < _SPED + _LATE else 0
    late = late if 0 <= first + late <= there - count else 0
    sound = speaker.sound[first * LIP_SAMPLES : (first + count) * LIP_SAMPLES]
    sound = sound if speed == 1 else at_rate(sound, speed)
    strange = kind >= 1 - _STRANGE
    shown = strangers[int(rng.integers(len(strangers)))].lips if strange else speaker.lips
    begin = int(rng.integers(0, max(1, len(shown.mask) - count + 1))) if strange else first + late
    shown = shown.part(slice(begin, begin + count))
    frames, mask = shown.varied(rng), shown.mask
    active = speaker.active[first : first + count]
    if speed != 1:
        _, active = at_speed(frames, active, speed)
        frames, mask = at_speed(frames, mask, speed)
    length = min(len(sound) // LIP_SAMPLES, len(mask), LIP_FRAMES)
    return _Excerpt(
        sound[: length * LIP_SAMPLES],
        frames[:length],
        mask[:length],
        active[:length] & (not strange),
        late,
        strange,
    )


def _mixture(
    speaker: _Excerpt, others: Sequence[Float32], rng: np.random.Generator, hear: Hear, active_speaker: ActiveSpeakerNet
) -> Mixture:
    sound, mask = speaker.sound, speaker.mask
    kept, others_sound = disturbed(sound, others, rng)
    heard = kept + others_sound
    level = float(rng.lognormal(0, 0.4)) * min(1.0, 0.99 / max(1e-9, float(np.abs(heard).max())))
    times = (np.arange(len(mask)) / LIP_RATE).astype(np.float32)
    frames = torch.from_numpy(sound_frames(hear((heard * level).astype(np.float32)), times))
    with torch.inference_mode():
        _, evidence = active_speaker.evidence(centred(speaker.frames, mask)[None], mask[None], frames[None])
    of_kept, of_others, of_heard = (
        torch.from_numpy(powers(spectrum(part.astype(np.float32)))) for part in (kept, others_sound, heard)
    )
    gains = (of_kept / (of_kept + of_others).clamp_min(1e-12)).sqrt().clamp_min(FLOOR)
    gains[of_others < 1e-12] = 1.0
    other = of_others.sum(dim=1) > _AUDIBLE * of_heard.sum(dim=1).mean()
    return Mixture(
        loudness_of(of_heard).half(),
        gains.half(),
        other.half(),
        frames.half(),
        evidence[0].half(),
        speaker.active.half(),
        speaker.late,
        speaker.strange,
    )


def disturbed(sound: Float32, others: Sequence[Float32], rng: np.random.Generator) -> tuple[Float32, Float32]:
    """What is to be kept of a mixture, the speaker with what noise there is, and the other voices; both (N,)."""
    kept = in_a_room(sound, rng) if rng.random() < 0.15 else sound
    kind = rng.random()
    if kind < 0.2:
        kept = _with_noise(kept, rng) if kind < 0.08 else kept
        return kept, np.zeros_like(kept)
    voices = 1 if kind < 0.7 else int(rng.integers(2, 7))
    others_sound = babble([_another(each, rng) for each in _drawn(others, voices, rng)], voices, len(sound), rng)
    others_sound = in_a_room(others_sound, rng) if rng.random() < 0.3 else others_sound
    snr = float(rng.uniform(-5, 9)) if voices == 1 else float(rng.uniform(-3, 14))
    others_sound = beside(kept, others_sound, snr)
    if voices < 3 and rng.random() < 0.4:
        others_sound[_outside(len(others_sound), rng)] = 0
    return (_with_noise(kept, rng) if rng.random() < 0.2 else kept), others_sound


def _with_noise(sound: Float32, rng: np.random.Generator) -> Float32:
    noise = Noise("white" if rng.random() < 0.5 else "pink", 0).make([], len(sound), rng)
    return sound + beside(sound, noise, float(rng.uniform(0, 25)))


def _drawn(others: Sequence[Float32], count: int, rng: np.random.Generator) -> list[Float32]:
    return [others[index] for index in rng.choice(len(others), count, replace=len(others) < count)]


def _another(voice: Float32, rng: np.random.Generator) -> Float32:
    return at_rate(voice, float(rng.uniform(0.85, 1.2))) if rng.random() < 0.3 else voice


def _outside(length: int, rng: np.random.Generator) -> slice:
    """All before or all after some moment: another voice that begins, or ends, meanwhile."""
    at = int(length * rng.uniform(0.15, 0.85))
    return slice(0, at) if rng.random() < 0.5 else slice(at, length)
