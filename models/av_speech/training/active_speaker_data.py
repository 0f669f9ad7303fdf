"""Sound and lips side by side at 25 Hz, for learning whose voice is heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load_file
from torch import Tensor

from lipstream.models.av_speech.recording import LIP_RATE, Float32, Recording
from lipstream.models.av_speech.sound_frames import sound_frames
from lipstream.models.av_speech.training.cache_files import CacheFiles
from lipstream.models.av_speech.training.lip_augment import LipSequence, lip_sequence
from lipstream.models.av_speech.training.mixtures import babble, mixed
from lipstream.models.av_speech.training.recording_fingerprint import of_recording
from lipstream.models.speech.engine import Encoding
from lipstream.models.training.progress import ProgressReport

Hear = Callable[[Float32], Encoding]
"""(N,) sound at 16 kHz to its encoding, inner layers and levels included."""

MIXTURES: Final = ((1, -5.0, 10.0), (1, -5.0, 5.0), (6, -3.0, 10.0))
"""Most voices, least and greatest ratio in decibels of each mixture of a recording."""
_ACTIVE: Final = 0.4
"""Where speech begins, in parts of the way from the quiet to the loud frames."""
_LOUDEST: Final = 25.0
"""Decibels below the loud frames at which speech ends anyhow."""
_CACHED: Final = CacheFiles("a cached recording", "encode the clip again")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A recording to learn from, of L lip frames.

    Attributes:
        speaker: who speaks.
        lips: what is seen.
        clean: (L, SOUND) float16 sound as recorded.
        mixtures: the same among other voices, each (L, SOUND).
        active: (L,) bool, whether the speaker speaks.
    """

    speaker: str
    lips: LipSequence
    clean: Tensor
    mixtures: tuple[Tensor, ...]
    active: Tensor


def speech_active(levels: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """(L,) whether there is speech, from the levels in decibels of a recording in quiet."""
    quiet, loud = np.percentile(levels, [10, 95])
    active: npt.NDArray[np.bool_] = levels > max(quiet + _ACTIVE * (loud - quiet), loud - _LOUDEST)
    return active


def cached_samples(
    names: Sequence[str],
    speakers: Sequence[str],
    recordings: Sequence[Recording],
    hear: Hear,
    cache: Path,
    report: ProgressReport,
) -> list[Sample]:
    """Samples of recordings, their mixtures with the others' voices from the cache where they are in it.

    What was made of another recording of that name is made anew.

    Raises:
        ModelError: the cache is damaged or cannot be written.
    """
    samples = []
    for index, (name, recording) in enumerate(zip(names, recordings, strict=True)):
        path = cache / f"{name}.safetensors"
        origin = of_recording(recording)
        if not path.exists() or _CACHED.origin(path) != origin:
            others = [r.sound for r, who in zip(recordings, speakers, strict=True) if who != speakers[index]]
            _save(_heard(recording, others, hear, np.random.default_rng([11, index])), path, origin)
        samples.append(_load(path, speakers[index], recording))
        report("listening", index + 1, len(names), name)
    return samples


def _heard(
    recording: Recording, others: Sequence[Float32], hear: Hear, rng: np.random.Generator
) -> list[npt.NDArray[np.float16]]:
    """Sound frames of a recording and of its mixtures."""
    sound, count = recording.sound, len(recording.lips.mask)
    heard = [sound]
    for most, low, high in MIXTURES:
        voices = int(rng.integers(1, min(most, len(others)) + 1))
        heard.append(mixed(sound, babble(others, voices, len(sound), rng), float(rng.uniform(low, high))))
    times = (np.arange(count) / LIP_RATE).astype(np.float32)
    return [sound_frames(hear(each), times).astype(np.float16) for each in heard]


def _save(heard: Sequence[npt.NDArray[np.float16]], path: Path, origin: str) -> None:
    _CACHED.save({str(index): each for index, each in enumerate(heard)}, path, origin)


def _load(path: Path, speaker: str, recording: Recording) -> Sample:
    with _CACHED.reading(path):
        arrays = load_file(path)
        clean, *noisy = (torch.from_numpy(arrays[str(index)]) for index in range(1 + len(MIXTURES)))
    active = torch.from_numpy(speech_active(clean[:, -1].float().numpy()))
    return Sample(speaker, lip_sequence(recording.lips), clean, tuple(noisy), active)
