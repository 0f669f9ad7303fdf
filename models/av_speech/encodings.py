"""What the speech encoder makes of recordings, alone and among other sounds; computed once and kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.av_speech.mixtures import Noise, babble, in_a_room, mixed
from models.av_speech.recording import Float16, Float32
from models.emotion.progress import Report
from models.errors import ModelError

Encode = Callable[[Float32], Float32]
"""(N,) sound at 16 kHz to (T, 288) encoder frames."""

_HISS = 1e-4
"""Level of what a muted microphone still gives."""


@dataclass(frozen=True, slots=True)
class Mixing:
    """How recordings are mixed with other sounds for training.

    Attributes:
        seed: everything random follows from it.
        variants: mixtures of each recording.
        lowest: least signal-to-noise ratio in decibels.
        highest: greatest.
        most_voices: babble has 1 to this many voices.
        noise: share of the mixtures with white or pink noise instead of babble.
        rooms: share of the mixtures whose speech is heard in a reverberant room.
    """

    seed: int = 0
    variants: int = 7
    lowest: float = -7.0
    highest: float = 15.0
    most_voices: int = 6
    noise: float = 0.3
    rooms: float = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Encodings:
    """One recording through the encoder.

    Attributes:
        clean: (T, 288) float16 as it was recorded.
        silent: (T, 288) float16 of nothing, as long: the sound muted.
        noisy: (T, 288) float16 of each mixture.
    """

    clean: Float16
    silent: Float16
    noisy: tuple[Float16, ...]


def mixtures(sound: Float32, voices: Sequence[Float32], mixing: Mixing, rng: np.random.Generator) -> list[Float32]:
    """A recording among other sounds, `mixing.variants` times."""
    made = []
    for _ in range(mixing.variants):
        if rng.random() < mixing.noise:
            disturbing = Noise("white" if rng.random() < 0.5 else "pink", 0).make((), len(sound), rng)
        else:
            most = min(mixing.most_voices, len(voices))
            disturbing = babble(voices, int(rng.integers(1, most + 1)), len(sound), rng)
        speech = in_a_room(sound, rng) if rng.random() < mixing.rooms else sound
        made.append(mixed(speech, disturbing, float(rng.uniform(mixing.lowest, mixing.highest))))
    return made


def cached_encodings(
    sounds: dict[str, Float32],
    voices: Callable[[str], Sequence[Float32]],
    encode: Encode,
    mixing: Mixing,
    cache: Path,
    report: Report,
) -> dict[str, Encodings]:
    """Encode recordings and their mixtures, or take them from the cache.

    Args:
        sounds: (N,) float32 at 16 kHz, by name.
        voices: gives the other voices that a recording may be mixed with.
        encode: the speech encoder.
        mixing: how.
        cache: folder for what was encoded.
        report: progress.

    Raises:
        ModelError: the cache is damaged.
    """
    found = {}
    for index, (name, sound) in enumerate(sounds.items()):
        path = cache / f"{name}_{mixing.seed}_{mixing.variants}.safetensors"
        if not path.exists():
            rng = np.random.default_rng([mixing.seed, index])
            hiss = (rng.standard_normal(len(sound)) * _HISS).astype(np.float32)
            _save([sound, hiss, *mixtures(sound, voices(name), mixing, rng)], encode, path)
        found[name] = _load(path)
        report("encoding voices", index + 1, len(sounds), name)
    return found


def _save(sounds: Sequence[Float32], encode: Encode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    save_file({str(index): encode(each).astype(np.float16) for index, each in enumerate(sounds)}, partial)
    os.replace(partial, path)


def _load(path: Path) -> Encodings:
    try:
        arrays = load_file(path)
        noisy = tuple(arrays[str(index)] for index in range(2, len(arrays)))
        return Encodings(arrays["0"], arrays["1"], noisy)
    except (OSError, KeyError, SafetensorError) as error:
        raise ModelError(f"{path}: not cached encodings ({error}); delete it to encode the recording again") from None
