"""Frames of the speech encoder in time, and beside the frames of the lips, for the networks of profiles.

Shapes: T encoder frames, L lip frames, D numbers a frame.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lipstream.models.speech.moonshine import FRAME_RATE


def frame_times(count: int) -> Tensor:
    """(count,) seconds of the middles of encoder frames."""
    return (torch.arange(count) + 0.5) / FRAME_RATE


def at_times(frames: Tensor, rate: float, times: Tensor) -> Tensor:
    """(T, D) frames, of `rate` a second, at (L,) times in seconds, by linear interpolation; the ends go on."""
    at = (times * rate - 0.5).clamp(0, max(0, len(frames) - 1))
    before = at.floor().long()
    after = (before + 1).clamp_max(len(frames) - 1)
    weight = (at - before)[:, None].to(frames)
    return torch.lerp(frames[before], frames[after], weight)


def beside_lips(frames: Tensor, times: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Sound at the times of lip frames.

    Args:
        frames: (T, D) of the sound.
        times: (L,) of the lip frames, in seconds from its first sample.
        seen: (L,) bool, where lips are seen.

    Returns:
        (L, D) the sound, and (L,) which frames count: 1 where lips are seen while something is heard, else 0.
    """
    within = (times >= 0) & (times <= len(frames) / FRAME_RATE)
    return at_times(frames, FRAME_RATE, times), (seen & within).float()
