"""Where networks are trained: on a GPU if there is one, else on the processor."""

from __future__ import annotations

from typing import Final

import torch

from lipstream.models.errors import ModelError

CPU: Final = torch.device("cpu")


def training_device(asked: str | None) -> torch.device:
    """The device that is asked for; if none is, a CUDA GPU where torch can use one, else the processor.

    Args:
        asked: "cpu", "cuda" or None.

    Raises:
        ModelError: a GPU is asked for and there is none.
    """
    if asked == "cpu":
        return CPU
    if gpu_works():
        return torch.device("cuda")
    if asked == "cuda":
        raise ModelError(
            "--device cuda: torch finds no GPU that it can use; see that its driver is there and torch built "
            "for it, or leave --device out to train on the processor"
        )
    return CPU


def gpu_works() -> bool:
    """Whether torch finds a GPU and can compute on it: it also finds those that it has no programs for any more."""
    if not torch.cuda.is_available():
        return False
    try:
        return int(torch.ones(1, dtype=torch.int32, device="cuda").add_(1)) > 0
    except RuntimeError:
        return False
