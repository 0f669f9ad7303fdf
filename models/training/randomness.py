"""What is random in a training: a run that is taken up again draws what it would have drawn undisturbed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch


class Randomness(ABC):
    """The random numbers of a training. Dropout draws from torch's own generator, which is looked after too.

    Args:
        seed: everything follows from it.

    Attributes:
        on_any_device: whether a training on a GPU can be taken up again with it.
        rng: of batches and examples.
        generator: the same for what is made of torch's tensors, on the processor.
    """

    on_any_device: ClassVar[bool] = True

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = np.random.default_rng(seed)
        self.generator = torch.Generator().manual_seed(seed)

    @abstractmethod
    def begin_epoch(self, epoch: int) -> None:
        """Be ready for an epoch; called before each that is gone through."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What a later run must know beside the seed, after a whole epoch; as JSON takes it."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""


class SeededEpochs(Randomness):
    """The numbers of an epoch follow from the seed and the epoch alone."""

    def begin_epoch(self, epoch: int) -> None:
        """Begin a row of numbers for this epoch."""
        seed = self.seed * 100_003 + epoch
        torch.manual_seed(seed)
        self.rng = np.random.default_rng([self.seed, epoch])
        self.generator = torch.Generator().manual_seed(seed)

    def state(self) -> dict[str, Any]:
        """Nothing: the next epoch begins anew."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to go on from."""


class OneStream(Randomness):
    """One row of numbers through all epochs, on the processor: of a GPU's own generator nothing is kept.

    Torch's own generator goes on from where it is when the training begins, so it is seeded before the network is made.
    """

    on_any_device: ClassVar[bool] = False

    def begin_epoch(self, epoch: int) -> None:
        """Go on."""

    def state(self) -> dict[str, Any]:
        """Where all three generators are."""
        return {
            "rng": self.rng.bit_generator.state,
            "generator": _text(self.generator.get_state()),
            "torch": _text(torch.get_rng_state()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Set all three generators."""
        self.rng.bit_generator.state = state["rng"]
        self.generator.set_state(_tensor(state["generator"]))
        torch.set_rng_state(_tensor(state["torch"]))


def _text(state: torch.Tensor) -> str:
    return bytes(state.numpy()).hex()


def _tensor(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.uint8)
