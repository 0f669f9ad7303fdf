"""What the trainings of this package have in common: epochs that can be taken up again, and the learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW

from lipstream.models.checkpoint import Checkpoint
from lipstream.models.errors import ModelError

CLIP_NORM = 1.0
WARM_UP = 0.15
"""Share of the steps in which the learning rate rises."""


class TrainingRun:
    """Epochs over numbered examples, resumable after each; what is random follows from seed and epoch alone.

    Args:
        folder: where the checkpoint lies.
        name: of the checkpoint.
        networks: what is trained and kept, on the device to train on; a resumed run may be on another one.
        groups: parameters with their peak learning rates ("params", "lr").
        facts: what makes this training this one: recipe and data, as JSON takes them.
        weight_decay: of AdamW.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        networks: dict[str, nn.Module],
        groups: list[dict[str, Any]],
        facts: dict[str, Any],
        weight_decay: float = 0.03,
    ) -> None:
        self._networks = networks
        self._optimiser = AdamW(groups, weight_decay=weight_decay)
        self.device: torch.device = self._optimiser.param_groups[0]["params"][0].device
        self._peaks = [float(group["lr"]) for group in groups]
        self._facts = facts
        self._checkpoint = Checkpoint(folder, f"{name}_checkpoint")
        self._folder = folder
        self.history: list[float] = []

    def epochs(self, count: int, seed: int) -> Iterator[tuple[int, np.random.Generator]]:
        """The epochs still to do, each with its random numbers; the state is kept after each.

        Raises:
            ModelError: the folder holds the state of another training.
        """
        self._resume()
        for epoch in range(len(self.history), count):
            torch.manual_seed(seed * 100_003 + epoch)
            yield epoch, np.random.default_rng([seed, epoch])
            self._checkpoint.save(self._networks, self._optimiser, self._facts | {"history": self.history})

    def step(self, loss: Tensor, progress: float) -> float:
        """Take one step.

        Args:
            loss: to go down.
            progress: part of the whole training that is done, in [0, 1].

        Returns:
            The loss.
        """
        for group, peak in zip(self._optimiser.param_groups, self._peaks, strict=True):
            group["lr"] = peak * rate(progress)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        parameters = [p for group in self._optimiser.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        self._optimiser.step()
        return float(loss.detach())

    def _resume(self) -> None:
        facts = self._checkpoint.load(self._networks, self._optimiser)
        if facts is None:
            return
        history = facts.pop("history")
        if facts != self._facts:
            raise ModelError(
                f"{self._folder} holds the beginning of another training ({self._checkpoint.name}: other data, seed or "
                "recipe); choose another --out or --work, or delete the checkpoints there"
            )
        self.history = history


def rate(progress: float) -> float:
    """Part of the peak learning rate: a linear rise, then half a cosine to zero (one cycle)."""
    if progress < WARM_UP:
        return 0.05 + 0.95 * progress / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def run_epochs(
    run: TrainingRun,
    count: int,
    seed: int,
    batches: Callable[[np.random.Generator], list[list[int]]],
    loss_of: Callable[[list[int], np.random.Generator], Tensor],
    report: Callable[[int, int, str], None],
) -> None:
    """Train to the end.

    Args:
        run: the training.
        count: epochs in all.
        seed: of everything random.
        batches: makes the batches of an epoch, each a list of examples.
        loss_of: the loss of a batch.
        report: told after every step: steps done, steps in all, the loss in words, and on which kind of device.

    Raises:
        ModelError: the folder holds the state of another training, or a GPU has too little memory.
    """
    for epoch, rng in run.epochs(count, seed):
        todo = batches(rng)
        total = 0.0
        for index, chosen in enumerate(todo):
            progress = (epoch + index / len(todo)) / count
            try:
                total += run.step(loss_of(chosen, rng), progress)
            except torch.OutOfMemoryError:
                raise ModelError(
                    "the GPU has too little memory for this training; the same command with --device cpu goes on"
                ) from None
            words = f"loss {total / (index + 1):.3f} on {run.device.type}"
            report(epoch * len(todo) + index + 1, count * len(todo), words)
        run.history.append(round(total / max(1, len(todo)), 4))
