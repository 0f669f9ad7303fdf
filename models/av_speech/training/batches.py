"""Sequences of different lengths side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lipstream.models.speech.tokenizer import END, START

IGNORED = -100
"""Target of a place that does not count."""


def stacked(sequences: Sequence[Tensor], length: int | None = None) -> Tensor:
    """(B, N, ...) of sequences (n, ...), zeros behind their ends; N is that of the longest unless given."""
    longest = max((len(each) for each in sequences), default=0) if length is None else length
    together = sequences[0].new_zeros((len(sequences), longest, *sequences[0].shape[1:]))
    for row, each in enumerate(sequences):
        together[row, : len(each)] = each
    return together


def real(lengths: Sequence[int]) -> Tensor:
    """(B, N) True before the end of each sequence."""
    return torch.arange(max(lengths, default=0)) < torch.tensor(lengths)[:, None]


def taught(texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """What the decoder is given and what it should say: (B, N + 1) tokens after START, and the same before END."""
    longest = max(map(len, texts))
    given = torch.full((len(texts), longest + 1), END)
    wanted = torch.full((len(texts), longest + 1), IGNORED)
    for row, tokens in enumerate(texts):
        given[row, : len(tokens) + 1] = torch.tensor([START, *tokens])
        wanted[row, : len(tokens) + 1] = torch.tensor([*tokens, END])
    return given, wanted


def shuffled(count: int, size: int, rng: np.random.Generator) -> list[list[int]]:
    """Everything once, in batches of `size` or a little more, in another order each time."""
    order = rng.permutation(count)
    return [part.tolist() for part in np.array_split(order, max(1, count // size))]


def half_precision(device: torch.device) -> torch.autocast:
    """Products of matrices in bfloat16 where the device has instructions for them; elsewhere it would be slower."""
    if device.type == "cuda":
        return torch.autocast("cuda", torch.bfloat16, enabled=torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return torch.autocast("cpu", torch.bfloat16, enabled=bool(able.get("avx512_bf16") or able.get("amx_bf16")))
