"""The one loop in which every network is trained: epochs that can be taken up again after each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from lipstream.models.errors import ModelError
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.progress import ProgressReport
from lipstream.models.training.randomness import Randomness, SeededEpochs
from lipstream.models.training.schedule import Place, Schedule, rise_and_fall

CLIP_NORM: Final = 1.0
LOSS: Final = "loss"
_HISTORY: Final = "history"
_RANDOM: Final = "random"

B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Method:
    """How steps are taken.

    Attributes:
        optimiser: of what is to be learnt; each group's learning rate is the one that the schedule is given.
        schedule: what the optimiser is set to at each place of the training.
        random: the random numbers.
        clip_norm: greatest norm of the gradients, None for any.
    """

    optimiser: Optimizer
    schedule: Schedule
    random: Randomness
    clip_norm: float | None = None


def one_adamw_cycle(groups: list[dict[str, Any]], seed: int, weight_decay: float = 0.03) -> Method:
    """AdamW with clipped gradients; the learning rates rise and fall once.

    Args:
        groups: parameters with their peak learning rates ("params", "lr").
        seed: everything random follows from it.
        weight_decay: of AdamW.
    """
    return Method(AdamW(groups, weight_decay=weight_decay), rise_and_fall, SeededEpochs(seed), CLIP_NORM)


@dataclass(frozen=True, slots=True)
class Task(Generic[B]):
    """What is learnt.

    Attributes:
        name: what is being done, for the progress report.
        batches: the batches of an epoch, in order.
        loss: of a batch; to go down.
        begin: told of every epoch before it, and before anything random is drawn for it.
        stepped: called after every step.
        judge: further figures of an epoch, by name, for the history and the progress report. Draws nothing at random.
    """

    name: str
    batches: Callable[[Randomness], Sequence[B]]
    loss: Callable[[B, Randomness], Tensor]
    begin: Callable[[int], None] = lambda _: None
    stepped: Callable[[], None] = lambda: None
    judge: Callable[[], dict[str, float]] = dict


class TrainingRun:
    """One training of some networks.

    Args:
        checkpoint: where its state is kept.
        networks: what is trained and kept, on the device to train on; a resumed run may be on another one.
        method: how steps are taken.
        facts: what makes this training this one: recipe and data, as JSON takes them.

    Attributes:
        device: where it trains.
        history: figures of each epoch that is done.

    Raises:
        ValueError: the random numbers are for the processor only, and the networks are elsewhere.
    """

    def __init__(
        self, checkpoint: Checkpoint, networks: dict[str, nn.Module], method: Method, facts: dict[str, Any]
    ) -> None:
        self._checkpoint = checkpoint
        self._networks = networks
        self._method = method
        self._facts: dict[str, Any] = json.loads(json.dumps(facts))
        groups = method.optimiser.param_groups
        self._peaks = [float(group["lr"]) for group in groups]
        self.device: torch.device = groups[0]["params"][0].device
        self.history: list[dict[str, float]] = []
        if self.device.type != "cpu" and not method.random.on_any_device:
            raise ValueError(f"{type(method.random).__name__} is for trainings on the processor, not on {self.device}")

    def train(self, task: Task[B], epochs: int, report: ProgressReport) -> None:
        """Train to the end, from where an earlier run of the same training was.

        Args:
            task: what is learnt.
            epochs: in all.
            report: told after every step; its figures are the mean loss of the epoch so far and what was judged last.

        Raises:
            ModelError: the checkpoint is of another training, unusable or cannot be written, or a GPU has too little
                memory.
        """
        self._resume()
        for epoch in range(len(self.history), epochs):
            task.begin(epoch)
            self._method.random.begin_epoch(epoch)
            batches = task.batches(self._method.random)
            total = 0.0
            for step, batch in enumerate(batches):
                place = Place(epoch, step, len(batches), epochs)
                total += self._step(task, batch, place)
                report(task.name, place.done + 1, place.total, self._words(total / (step + 1), place))
            self.history.append({LOSS: round(total / max(1, len(batches)), 4)} | task.judge())
            self._keep()

    def restart(self) -> None:
        """Have the optimiser forget the steps so far; their momentum is of no use after the networks have changed."""
        self._method.optimiser.state.clear()

    def discard(self) -> None:
        """Delete the state: what came out of the training is written.

        Raises:
            ModelError: it cannot be deleted.
        """
        self._checkpoint.discard()

    def _step(self, task: Task[B], batch: B, place: Place) -> float:
        """Take one step; returns the loss before it."""
        optimiser = self._method.optimiser
        for group, peak in zip(optimiser.param_groups, self._peaks, strict=True):
            group.update(self._method.schedule(place, peak))
        try:
            loss = task.loss(batch, self._method.random)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            if self._method.clip_norm is not None:
                parameters = [p for group in optimiser.param_groups for p in group["params"]]
                nn.utils.clip_grad_norm_(parameters, self._method.clip_norm)
            optimiser.step()
        except torch.OutOfMemoryError:
            raise ModelError(
                "the GPU has too little memory for this training; the same command with --device cpu goes on"
            ) from None
        task.stepped()
        return float(loss.detach())

    def _words(self, loss: float, place: Place) -> str:
        judged = {} if not self.history else {name: each for name, each in self.history[-1].items() if name != LOSS}
        figures = "".join(f", {name} {each:.3f}" for name, each in judged.items())
        return f"{LOSS} {loss:.3f} on {self.device.type}, epoch {place.epoch + 1} of {place.epochs}{figures}"

    def _keep(self) -> None:
        state = {_HISTORY: self.history, _RANDOM: self._method.random.state()}
        self._checkpoint.save(self._networks, self._method.optimiser, self._facts | state)

    def _resume(self) -> None:
        facts = self._checkpoint.facts()
        if facts is None:
            return
        history, random = facts.pop(_HISTORY, []), facts.pop(_RANDOM, {})
        if facts != self._facts:
            why = _differences(facts, self._facts)
            raise ModelError(
                f"{self._checkpoint.path} holds the beginning of another training ({why}); delete it, or choose "
                "another --out or --work"
            )
        self._checkpoint.load(self._networks, self._method.optimiser)
        self._method.random.restore(random)
        self.history = history


def _differences(there: dict[str, Any], here: dict[str, Any]) -> str:
    """What is not the same in the facts of two trainings."""
    one, other = _flat(there), _flat(here)
    found = [name for name in (one | other) if one.get(name) != other.get(name)]
    numbers = [name for name in found if isinstance(other.get(name), int | float) and name in one]
    told = [f"{name} {one[name]} there, {other[name]} here" for name in numbers]
    return "; ".join([*told, *(f"other {name}" for name in found if name not in numbers)])


def _flat(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts with those of the dictionaries in them, by their own names."""
    flat: dict[str, Any] = {}
    for name, value in facts.items():
        flat |= _flat(value) if isinstance(value, dict) else {name: value}
    return flat
