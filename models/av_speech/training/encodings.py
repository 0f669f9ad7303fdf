"""What the speech encoder makes of recordings, alone and among other sounds; computed once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from lipstream.models.av_speech.recording import Float16, Float32
from lipstream.models.av_speech.training.cache_files import CacheFiles
from lipstream.models.av_speech.training.mixtures import Noise, babble, in_a_room, mixed
from lipstream.models.speech.engine import SAMPLE_RATE
from lipstream.models.training.fingerprint import fingerprint
from lipstream.models.training.progress import ProgressReport

EncodeSound = Callable[[Float32], Float32]
"""(N,) sound at 16 kHz to (T, 288) encoder frames."""

_CACHED = CacheFiles("cached encodings", "encode the recording again")
_HISS = 1e-4
"""Level of what a muted microphone still gives."""
_BEFORE = 0.2
"""Seconds before the first word that always are in a segment."""
_SHORTEST = 0.3
"""Seconds of speech that a segment holds at least when the recogniser is first asked."""


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
        parts: share of the mixtures that hold a part of the recording, as captions under way do.
        quiet: share of the mixtures without any other sound.
    """

    seed: int = 0
    variants: int = 7
    lowest: float = -7.0
    highest: float = 15.0
    most_voices: int = 6
    noise: float = 0.3
    rooms: float = 0.15
    parts: float = 0.4
    quiet: float = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class EncodedStretch:
    """A stretch of a recording through the encoder.

    Attributes:
        frames: (T, 288) float16.
        start: seconds from the start of the recording.
        end: the same; what was said later is not in it.
    """

    frames: Float16
    start: float
    end: float


@dataclass(frozen=True, slots=True, eq=False)
class Encodings:
    """One recording through the encoder.

    Attributes:
        clean: as it was recorded.
        silent: nothing, as long: the sound muted.
        noisy: among other sounds, whole or in part.
    """

    clean: EncodedStretch
    silent: EncodedStretch
    noisy: tuple[EncodedStretch, ...]


def mixture(sound: Float32, voices: Sequence[Float32], mixing: Mixing, rng: np.random.Generator) -> Float32:
    """A recording among other sounds."""
    if rng.random() < mixing.noise or not voices:
        disturbing = Noise("white" if rng.random() < 0.5 else "pink", 0).make((), len(sound), rng)
    else:
        most = min(mixing.most_voices, len(voices))
        disturbing = babble(voices, int(rng.integers(1, most + 1)), len(sound), rng)
    speech = in_a_room(sound, rng) if rng.random() < mixing.rooms else sound
    return mixed(speech, disturbing, float(rng.uniform(mixing.lowest, mixing.highest)))


def cut(length: int, speech: tuple[float, float], share: float, rng: np.random.Generator) -> tuple[int, int]:
    """Samples of a recording as a caption segment may hold it: from before the speech to somewhere in it, or all.

    The recogniser is asked again and again while a segment grows, and must not say what has not been said yet.

    Args:
        length: samples of the recording.
        speech: seconds at which the first word begins and the last one ends.
        share: how often a part is drawn.
        rng: random numbers.
    """
    if rng.random() >= share:
        return 0, length
    first = int(max(0.0, rng.uniform(0.0, max(0.0, speech[0] - _BEFORE))) * SAMPLE_RATE)
    shortest = min(length, int((speech[0] + _SHORTEST) * SAMPLE_RATE))
    return first, int(rng.integers(max(first + 1, shortest), length + 1))


def cached_encodings(
    sounds: dict[str, Float32],
    speech: dict[str, tuple[float, float]],
    voices: Sequence[Float32],
    encode: EncodeSound,
    mixing: Mixing,
    cache: Path,
    report: ProgressReport,
) -> dict[str, Encodings]:
    """Encode recordings and their mixtures, or take them from the cache if they were made of the same.

    Args:
        sounds: (N,) float32 at 16 kHz, by name.
        speech: seconds at which the first word of each begins and its last one ends.
        voices: of others, which recordings may be mixed with.
        encode: the speech encoder.
        mixing: how.
        cache: folder for what was encoded.
        report: progress.

    Raises:
        ModelError: the cache is damaged or cannot be written.
    """
    found, others = {}, fingerprint(voices)
    for index, (name, sound) in enumerate(sounds.items()):
        path = cache / f"{name}_{mixing.seed}_{mixing.variants}.safetensors"
        origin = fingerprint((sound, str(speech[name]), others, str(asdict(mixing)), str(index)))
        if not path.exists() or _CACHED.origin(path) != origin:
            rng = np.random.default_rng([mixing.seed, index])
            _save(stretches(sound, speech[name], voices, mixing, rng), encode, path, origin)
        found[name] = _load(path)
        report("encoding voices", index + 1, len(sounds), name)
    return found


def stretches(
    sound: Float32, speech: tuple[float, float], voices: Sequence[Float32], mixing: Mixing, rng: np.random.Generator
) -> list[tuple[Float32, float, float]]:
    """Sounds to encode, with start and end in the recording: the clean one, a muted one, and mixtures.

    Args:
        sound: (N,) float32 at 16 kHz.
        speech: seconds at which the first word begins and the last one ends.
        voices: of others.
        mixing: how.
        rng: random numbers.
    """
    whole = len(sound) / SAMPLE_RATE
    hiss = (rng.standard_normal(len(sound)) * _HISS).astype(np.float32)
    made = [(sound, 0.0, whole), (hiss, 0.0, whole)]
    for _ in range(mixing.variants):
        first, end = cut(len(sound), speech, mixing.parts, rng)
        heard = mixture(sound, voices, mixing, rng) if rng.random() >= mixing.quiet else sound
        made.append((heard[first:end], first / SAMPLE_RATE, end / SAMPLE_RATE))
    return made


def _save(stretches: Sequence[tuple[Float32, float, float]], encode: EncodeSound, path: Path, origin: str) -> None:
    arrays = {str(index): encode(sound).astype(np.float16) for index, (sound, _, _) in enumerate(stretches)}
    spans = np.array([each[1:] for each in stretches], np.float32)
    _CACHED.save(arrays | {"spans": spans}, path, origin)


def _load(path: Path) -> Encodings:
    with _CACHED.reading(path):
        arrays = load_file(path)
        found = [EncodedStretch(arrays[str(i)], float(a), float(b)) for i, (a, b) in enumerate(arrays["spans"])]
    return Encodings(found[0], found[1], tuple(found[2:]))
