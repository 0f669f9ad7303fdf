"""Tells data from other data of the same name and length."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from torch import Tensor

from lipstream.models.av_speech.recording import Recording
from lipstream.models.av_speech.training.lip_augment import LipSequence

Part = str | Tensor | npt.NDArray[np.generic]


def fingerprint(parts: Iterable[Part]) -> str:
    """32 hexadecimal digits of texts and arrays in their order (BLAKE2b); other data give others."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, str):
            digest.update(f"[text {len(part)}]{part}".encode())
            continue
        array = np.ascontiguousarray(part.detach().cpu().numpy() if isinstance(part, Tensor) else part)
        digest.update(f"[{array.dtype} {array.shape}]".encode())
        digest.update(array.data)
    return digest.hexdigest()


def of_recording(recording: Recording) -> str:
    """Fingerprint of a recording's sound and lips."""
    lips = recording.lips
    return fingerprint((recording.pcm, lips.points, lips.blendshapes, lips.crops, lips.mask))


def of_lips(lips: LipSequence) -> str:
    """Fingerprint of lips as training sees them."""
    return fingerprint((lips.shape, lips.pictures, lips.mask))
