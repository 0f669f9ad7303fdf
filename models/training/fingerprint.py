"""Tells data from other data of the same name and length."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    # What keeps features while captions run needs no torch, and would wait for it.
    from torch import Tensor

Part: TypeAlias = "str | Tensor | npt.NDArray[np.generic]"


def fingerprint(parts: Iterable[Part]) -> str:
    """32 hexadecimal digits of texts and arrays in their order (BLAKE2b); other data give others."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, str):
            digest.update(f"[text {len(part)}]{part}".encode())
            continue
        array = np.ascontiguousarray(part if isinstance(part, np.ndarray) else part.detach().cpu().numpy())
        digest.update(f"[{array.dtype} {array.shape}]".encode())
        digest.update(array.data)
    return digest.hexdigest()
