"""Encoder frames and prosody of all clips and their noisy variants, computed once and kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from lipstream.models.emotion.prosody import prosody
from lipstream.models.emotion.training.corpora import Clip
from lipstream.models.emotion.training.voice_augment import add_noise, babble, vary
from lipstream.models.emotion.voice_steps import STEP, steps_of
from lipstream.models.errors import ModelError
from lipstream.models.training.media import read_sound
from lipstream.models.training.progress import ProgressReport
from lipstream.models.whole_file import whole_file

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
EncodeSound = Callable[[Float32], Float32]
"""(N,) samples at 16 kHz to (T, ENCODER) encoder frames."""

STEP_RATE = 16_000 / 384 / STEP
"""Steps a second."""
VARIANTS = ("clean", "babble", "varied")
"""Versions of each clip: as it is, under babble of 0 dB, and with random changes."""


@dataclass(frozen=True, slots=True, eq=False)
class VoiceFeatures:
    """One version of one clip.

    Attributes:
        encoded: (T, ENCODER) float16 steps of encoder frames.
        sound: (STEP * T, PROSODY) float16.
        start: first step of speech, with 0.2 s before it.
        end: step after the speech, with 0.2 s after it.
    """

    encoded: npt.NDArray[np.float16]
    sound: npt.NDArray[np.float16]
    start: int
    end: int


def features_of(speech: Float32, encode: EncodeSound, span: tuple[int, int] | None = None) -> VoiceFeatures:
    """Features of a clip; `span` gives the steps of speech where noise would hide them."""
    encoded = steps_of(encode(speech))
    sound = prosody(speech, STEP * len(encoded))
    if span is None:
        loud = np.flatnonzero(sound[:, -1] > -1.75) // STEP  # within 35 dB of the loudest frame
        span = max(0, int(loud[0]) - 2), min(len(encoded), int(loud[-1]) + 3)
    return VoiceFeatures(encoded.astype(np.float16), sound.astype(np.float16), *span)


def folds_of(clips: Sequence[Clip], count: int = 5) -> Int64:
    """A fold for each clip, whole actors at a time, actors in order."""
    actors = sorted({clip.actor for clip in clips})
    if len(actors) < count:
        raise ModelError(f"expected clips of {count} actors or more, so that some can be left out; got {len(actors)}")
    fold = {actor: index * count // len(actors) for index, actor in enumerate(actors)}
    return np.array([fold[clip.actor] for clip in clips], dtype=np.int64)


def build_features(
    clips: Sequence[Clip], encode: EncodeSound, cache: Path, seed: int, report: ProgressReport
) -> dict[str, list[VoiceFeatures]]:
    """Features of every clip in every variant, from `cache` where it has been done before.

    Other voices come from the clip's own fold only, so that an actor who is left out is never heard in training.
    """
    speeches: list[Float32] = []
    folds = folds_of(clips)
    result: dict[str, list[VoiceFeatures]] = {}
    for variant in VARIANTS:
        file = cache / f"voice_steps_{variant}_{len(clips)}_{seed}.safetensors"
        if file.exists():
            result[variant] = _read(file)
            continue
        if not speeches:
            speeches = _sounds(clips, report)
        by_fold = {f: [s for s, g in zip(speeches, folds, strict=True) if g == f] for f in np.unique(folds)}
        made = []
        for index, speech in enumerate(speeches):
            rng = np.random.default_rng((seed, VARIANTS.index(variant), index))
            clean = result["clean"][index] if variant != "clean" else None
            made.append(_variant(variant, speech, by_fold[folds[index]], rng, encode, clean))
            report(f"encode {variant}", index + 1, len(speeches), "")
        _write(made, file)
        result[variant] = made
    return result


def _sounds(clips: Sequence[Clip], report: ProgressReport) -> list[Float32]:
    sounds = []
    for index, clip in enumerate(clips):
        sounds.append(read_sound(clip.path))
        report("read sound", index + 1, len(clips), "")
    return sounds


def _variant(
    name: str,
    speech: Float32,
    voices: Sequence[Float32],
    rng: np.random.Generator,
    encode: EncodeSound,
    clean: VoiceFeatures | None,
) -> VoiceFeatures:
    if clean is None:
        return features_of(speech, encode)
    if name == "babble":
        noisy = add_noise(speech, babble(voices, len(speech), rng), 0)
        return features_of(noisy, encode, (clean.start, clean.end))
    varied = vary(speech, voices, rng)
    stretch = len(varied) / len(speech)
    return features_of(varied, encode, (int(clean.start * stretch), math.ceil(clean.end * stretch)))


def _write(features: Sequence[VoiceFeatures], file: Path) -> None:
    arrays = {
        "encoded": np.concatenate([f.encoded for f in features]),
        "sound": np.concatenate([f.sound for f in features]),
        "spans": np.array([(len(f.encoded), f.start, f.end) for f in features], dtype=np.int64),
    }
    with whole_file(file) as partial:
        save_file({name: torch.from_numpy(array) for name, array in arrays.items()}, partial)


def _read(file: Path) -> list[VoiceFeatures]:
    try:
        arrays = {name: tensor.numpy() for name, tensor in load_file(file).items()}
        ends = np.cumsum(arrays["spans"][:, 0])
    except (OSError, KeyError, SafetensorError) as error:
        raise ModelError(f"{file}: not a cache of voice features ({error}); delete it") from None
    starts = ends - arrays["spans"][:, 0]
    return [
        VoiceFeatures(arrays["encoded"][a:b], arrays["sound"][STEP * a : STEP * b], int(span[1]), int(span[2]))
        for a, b, span in zip(starts, ends, arrays["spans"], strict=True)
    ]
