"""Training of the mask that keeps the visible speaker's voice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lipstream.models.av_speech.target_mask_net import TargetMaskNet
from lipstream.models.av_speech.training.active_speaker import area
from lipstream.models.av_speech.training.target_mask_data import LIP_FRAMES, Mixture
from lipstream.models.av_speech.voice_bands import COMPRESSED
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.device import CPU
from lipstream.models.training.loop import Task, TrainingRun, one_adamw_cycle
from lipstream.models.training.progress import ProgressReport
from lipstream.models.training.randomness import Randomness

_STEPS: Final = 50
"""Steps that count as an epoch: mixtures are drawn at random, so there are no passes."""
_LOST: Final = 2.0
"""How much more it costs to take away of the own voice than to leave of another."""


@dataclass(frozen=True, slots=True)
class TargetMaskRecipe:
    """How the mask is trained.

    Attributes:
        seed: everything random follows from it.
        mixtures: made before training, 5 s each.
        epochs: of 50 steps.
        batch: mixtures a step.
        learning_rate: peak of one cycle, AdamW.
        doubt: spread of what is added to the evidence of the lips, which is better on the speakers of the training
            than on others.
    """

    seed: int = 0
    mixtures: int = 3000
    epochs: int = 52
    batch: int = 12
    learning_rate: float = 1.5e-3
    doubt: float = 0.3


def train_target_mask(
    mixtures: Sequence[Mixture],
    recipe: TargetMaskRecipe,
    out: Path,
    report: ProgressReport,
    data: str,
    device: torch.device = CPU,
) -> TargetMaskNet:
    """Train; resumable. The network is in inference mode, on the processor.

    Args:
        mixtures: what to learn from.
        recipe: how.
        out: folder of the checkpoint.
        report: progress.
        data: fingerprint of what the mixtures are made of.
        device: where to train.

    Raises:
        ModelError: `out` holds another training.
    """
    torch.manual_seed(recipe.seed)
    network = TargetMaskNet()
    some = mixtures[:400]
    network.fit(torch.cat([m.bands for m in some]).float(), torch.cat([m.sound for m in some]).float())
    network.to(device)
    groups = [{"params": list(network.parameters()), "lr": recipe.learning_rate}]
    run = TrainingRun(
        Checkpoint(out, "voice_mask"),
        {"network": network},
        one_adamw_cycle(groups, recipe.seed, weight_decay=0.05),
        {"recipe": asdict(recipe), "data": data},
    )
    size = min(recipe.batch, len(mixtures))

    def batches(random: Randomness) -> list[list[int]]:
        return [random.rng.choice(len(mixtures), size, replace=False).tolist() for _ in range(_STEPS)]

    def loss(chosen: list[int], random: Randomness) -> Tensor:
        batch = _batch([mixtures[index] for index in chosen], recipe.doubt, random.rng)
        return _loss(network, batch.on(device))

    network.train()
    run.train(Task("learning to keep the visible speaker's voice", batches, loss), recipe.epochs, report)
    return network.to(CPU).eval()


class _Batch(NamedTuple):
    bands: Tensor
    gains: Tensor
    other: Tensor
    sound: Tensor
    evidence: Tensor
    real: Tensor

    def on(self, device: torch.device) -> _Batch:
        """The same on a device."""
        return _Batch(*(each.to(device) for each in self))


def _loss(network: TargetMaskNet, batch: _Batch) -> Tensor:
    found = network(batch.bands, batch.sound, batch.evidence)
    # The mean of loud and soft bands alike: a power of 0.3 of the amplitude is one of 0.15 of the power.
    heard = (batch.bands * (COMPRESSED / 2)).exp() * batch.real[..., None]
    error = heard * (found.gains.pow(COMPRESSED) - batch.gains.pow(COMPRESSED))
    cost = error.square() * torch.where(error < 0, _LOST, 1.0)
    told = F.binary_cross_entropy_with_logits(found.other, batch.other, reduction="none") * batch.real
    loss: Tensor = 10 * cost.sum() / heard.square().sum() + 0.1 * told.sum() / batch.real.sum()
    return loss


def _batch(chosen: Sequence[Mixture], doubt: float, rng: np.random.Generator) -> _Batch:
    """Some seconds of each mixture, as many of all: 2 to 5."""
    lips = int(rng.integers(LIP_FRAMES * 2 // 5, LIP_FRAMES + 1)) // 3 * 3
    frames = lips * 5 // 3
    parts = [_part(each, lips, frames, rng) for each in chosen]
    bands, gains, other, sound, evidence, real = (torch.stack(column) for column in zip(*parts, strict=True))
    return _Batch(bands, gains, other, sound, _doubted(evidence, doubt, rng), real)


def _part(mixture: Mixture, lips: int, frames: int, rng: np.random.Generator) -> tuple[Tensor, ...]:
    # Three lip frames last as long as five frames of the sound.
    first = int(rng.integers(0, max(0, len(mixture.sound) - lips) // 3 + 1))
    heard, seen = slice(first * 5, first * 5 + frames), slice(first * 3, first * 3 + lips)
    real = torch.ones(len(mixture.bands[heard]))
    of_sound = [mixture.bands[heard], mixture.gains[heard], mixture.other[heard], real]
    bands, gains, other, real = (_padded(each.float(), frames) for each in of_sound)
    sound, evidence = (_padded(each[seen].float(), lips) for each in (mixture.sound, mixture.evidence))
    return bands, gains, other, sound, evidence, real


def _padded(frames: Tensor, count: int) -> Tensor:
    return torch.cat((frames, frames.new_zeros(count - len(frames), *frames.shape[1:])))


def _doubted(evidence: Tensor, doubt: float, rng: np.random.Generator) -> Tensor:
    """Evidence as of strangers: errors that last, and stretches in which no lips are seen."""
    rough = torch.from_numpy(rng.standard_normal((evidence.shape[0], evidence.shape[2], 8)).astype(np.float32))
    error = F.interpolate(rough, size=evidence.shape[1], mode="linear").transpose(1, 2)
    seen = (evidence[..., 2:3] > 0).float()
    for row in range(len(seen)):
        if rng.random() < 0.15:
            first = int(rng.integers(0, seen.shape[1]))
            seen[row, first : first + int(rng.integers(5, 40))] = 0
    varied = evidence + doubt * error
    varied[..., 2] = evidence[..., 2]
    return varied * seen


def judge_target_mask(network: TargetMaskNet, mixtures: Sequence[Mixture]) -> dict[str, Any]:
    """Figures on mixtures of speakers left out.

    Returns:
        Medians over the mixtures with another voice, in decibels: "ratio before", own voice to others, "ratio after"
        the gains, and what the own voice lost ("lost"); "auc", of telling frames in which another voice is heard.
    """
    before, after, lost, there, free = [], [], [], [], []
    for each in mixtures:
        with torch.inference_mode():
            found = network(each.bands.float()[None], each.sound.float()[None], each.evidence.float()[None])
        heard = each.other > 0
        there.append(found.other[0][heard])
        free.append(found.other[0][~heard])
        power, share = each.bands.float().exp(), each.gains.float().square()
        own, others = power * share, power * (1 - share)
        if not heard.any():
            continue
        left = found.gains[0].square()
        before.append(_decibels(own, others))
        after.append(_decibels(own * left, others * left))
        lost.append(_decibels(own, own * left))
    medians = {"ratio before": before, "ratio after": after, "lost": lost}
    return {
        "mixtures": len(before),
        **{name: round(float(np.median(values)), 2) for name, values in medians.items() if values},
        "auc": round(area(torch.cat(there), torch.cat(free)), 4),
    }


def _decibels(one: Tensor, other: Tensor) -> float:
    return 10 * math.log10(float(one.sum()) / max(1e-9, float(other.sum())) + 1e-9)
