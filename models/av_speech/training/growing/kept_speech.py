"""What is kept of a stretch of clean speech: features alone, neither sound nor pictures.

Who reads aloud for a profile knows that sound and mouth are recorded. Where a profile grows while captions run, they
are not: a stretch is turned into what training needs, and let go.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from lipstream.models.av_speech.recording import BLENDSHAPES, POINTS, Bool, Float16
from lipstream.models.av_speech.training.cache_files import CacheFiles
from lipstream.models.av_speech.training.encodings import EncodedStretch, Encodings
from lipstream.models.errors import ModelError

FORMAT: Final = 1
_FILES = CacheFiles("kept speech", "learn without it")
_SHAPE: Final = 2 * POINTS + BLENDSHAPES


@dataclass(frozen=True, slots=True, eq=False)
class KeptSpeech:
    """Features of a stretch of speech.

    Attributes:
        sound: encoder frames, alone, muted and in mixtures.
        shape: (L, 107) float16 lip landmarks and blendshapes, 25 a second.
        look: (L, 12, 12) float16 cosine coefficients of the mouth's picture, see `lip_input.waves`.
        mask: (L,) frames in which the mouth was seen.
        text: what the recogniser read of it.
        words: each word with the seconds at which it ends.
        seconds: length.
        babble: (T, 288) float16 encoder frames among four other voices at 0 dB, once to judge by and once to weigh the
            agreement of lips and sound; None for a stretch that is learnt from.
    """

    sound: Encodings
    shape: Float16
    look: Float16
    mask: Bool
    text: str
    words: tuple[tuple[str, float], ...]
    seconds: float
    babble: tuple[Float16, Float16] | None

    def save(self, path: Path) -> None:
        """Write it whole, for this user alone.

        Raises:
            ModelError: the file cannot be written.
        """
        stretches = (self.sound.clean, self.sound.silent, *self.sound.noisy)
        arrays: dict[str, npt.NDArray[Any]] = {f"sound{at}": each.frames for at, each in enumerate(stretches)}
        arrays |= {"shape": self.shape, "look": self.look, "mask": self.mask.astype(np.uint8)}
        if self.babble is not None:
            arrays |= {"judging": self.babble[0], "weighing": self.babble[1]}
        facts = {
            "format": FORMAT,
            "text": self.text,
            "words": self.words,
            "seconds": self.seconds,
            "spans": [(each.start, each.end) for each in stretches],
        }
        _FILES.save(arrays, path, json.dumps(facts))


def load_kept(path: Path) -> KeptSpeech:
    """Read what `KeptSpeech.save` wrote.

    Raises:
        ModelError: the file is missing, damaged or of another version.
    """
    facts = _facts(path)
    with _FILES.reading(path):
        arrays = load_file(path)
        stretches = [
            EncodedStretch(arrays[f"sound{at}"], float(start), float(end))
            for at, (start, end) in enumerate(facts["spans"])
        ]
        if arrays["shape"].shape[1:] != (_SHAPE,):
            raise KeyError(f"shape {arrays['shape'].shape}")
        return KeptSpeech(
            Encodings(stretches[0], stretches[1], tuple(stretches[2:])),
            arrays["shape"],
            arrays["look"],
            arrays["mask"].astype(np.bool_),
            str(facts["text"]),
            tuple((str(word), float(end)) for word, end in facts["words"]),
            float(facts["seconds"]),
            (arrays["judging"], arrays["weighing"]) if "judging" in arrays else None,
        )


def kept_seconds(path: Path) -> float:
    """How long the stretch is, without reading its features.

    Raises:
        ModelError: as of `load_kept`.
    """
    return float(_facts(path)["seconds"])


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(_FILES.origin(path))
    except ValueError:
        facts = {}
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise ModelError(f"{path}: kept by another version of Lipstream; delete it to learn without it")
    return facts
