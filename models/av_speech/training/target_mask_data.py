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
from lipstream.models.av_speech.training.lip_augment import LipSequence
from lipstream.models.av_speech.training.mixtures import Noise, babble, beside, in_a_room
from lipstream.models.av_speech.training.other_voices import at_rate
from lipstream.models.av_speech.voice_bands import powers, spectrum

LIP_FRAMES: Final = 125
"""Lip frames of a mixture: 5 s."""
_AUDIBLE: Final = 3e-3
"""Power from which another voice counts as heard, in parts of the mixture's mean."""


@dataclass(frozen=True, slots=True, eq=False)
class Speaker:
    """A recording of a visible speaker.

    Attributes:
        name: who speaks.
        sound: (N,) what is heard.
        lips: what is seen.
    """

    name: str
    sound: Float32
    lips: LipSequence


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """T frames of a mixture, with L lip frames; float16 throughout.

    Attributes:
        bands: (T, BANDS) of `loudness_of`.
        gains: (T, BANDS) in [FLOOR, 1], wanted.
        other: (T,) whether another voice is heard: 0 or 1.
        sound: (L, SOUND).
        evidence: (L, EVIDENCE).
    """

    bands: Tensor
    gains: Tensor
    other: Tensor
    sound: Tensor
    evidence: Tensor


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
        seen = [each.sound for each in speakers if each.name != speaker.name]
        # Half of the other voices are of the kind that is to be kept: only the lips tell which is which.
        others = seen if not voices or rng.random() < 0.5 else voices
        found.append(_mixture(speaker, others, rng, hear, active_speaker))
        report(index + 1, count)
    return found


def _mixture(
    speaker: Speaker, others: Sequence[Float32], rng: np.random.Generator, hear: Hear, active_speaker: ActiveSpeakerNet
) -> Mixture:
    first = int(rng.integers(0, max(1, len(speaker.lips.mask) - LIP_FRAMES + 1)))
    sound = speaker.sound[first * LIP_SAMPLES : (first + LIP_FRAMES) * LIP_SAMPLES]
    lips = speaker.lips.part(slice(first, first + min(LIP_FRAMES, len(sound) // LIP_SAMPLES)))
    kept, others_sound = disturbed(sound, others, rng)
    heard = kept + others_sound
    level = float(rng.lognormal(0, 0.4)) * min(1.0, 0.99 / max(1e-9, float(np.abs(heard).max())))
    times = (np.arange(len(lips.mask)) / LIP_RATE).astype(np.float32)
    frames = torch.from_numpy(sound_frames(hear((heard * level).astype(np.float32)), times))
    mask = lips.mask
    with torch.inference_mode():
        _, evidence = active_speaker.evidence(centred(lips.varied(rng), mask)[None], mask[None], frames[None])
    of_kept, of_others, of_heard = (
        torch.from_numpy(powers(spectrum(part.astype(np.float32)))) for part in (kept, others_sound, heard)
    )
    gains = (of_kept / (of_kept + of_others).clamp_min(1e-12)).sqrt().clamp_min(FLOOR)
    gains[of_others < 1e-12] = 1.0
    other = of_others.sum(dim=1) > _AUDIBLE * of_heard.sum(dim=1).mean()
    return Mixture(loudness_of(of_heard).half(), gains.half(), other.half(), frames.half(), evidence[0].half())


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
