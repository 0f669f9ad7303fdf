"""The state of a training on disk, to go on from: one file of safetensors, all else as JSON in it. Never pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from lipstream.models.errors import ModelError
from lipstream.models.whole_file import whole_file

_FACTS = "facts"
_UNUSABLE = (OSError, ValueError, KeyError, RuntimeError, SafetensorError)


class Checkpoint:
    """A resumable state: networks, optimiser and facts, as a whole or not there, whatever ends the run.

    Args:
        folder: where it lies; made when it is saved.
        name: of the training; the file is `NAME_checkpoint.safetensors`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}_checkpoint.safetensors"

    def save(self, networks: dict[str, nn.Module], optimiser: Optimizer, facts: dict[str, Any]) -> None:
        """Write the state.

        Args:
            networks: by name.
            optimiser: what steps them.
            facts: all else, as JSON takes it.

        Raises:
            ModelError: it cannot be written; what was there stays.
        """
        tensors = {f"{key}/{name}": t for key, net in networks.items() for name, t in net.state_dict().items()}
        for index, values in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{index}/{key}": v for key, v in values.items() if isinstance(v, Tensor)}
        own = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in tensors.items()}
        with whole_file(self.path) as partial:
            save_file(own, partial, {_FACTS: json.dumps(facts)})

    def facts(self) -> dict[str, Any] | None:
        """The facts given to `save`, None where there is no checkpoint.

        Raises:
            ModelError: the file is not readable, or of another version.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, "pt") as file:
                about = file.metadata() or {}
            facts: dict[str, Any] | None = json.loads(about.get(_FACTS, "null"))
        except _UNUSABLE as error:
            raise self._unusable(error) from None
        if facts is None:
            raise ModelError(f"{self.path}: made by another version of Lipstream; delete it to start anew")
        return facts

    def load(self, networks: dict[str, nn.Module], optimiser: Optimizer) -> None:
        """Restore networks and optimiser in place, on the devices that they are on.

        Raises:
            ModelError: the file is missing or does not fit.
        """
        try:
            tensors = load_file(self.path)
            for key, network in networks.items():
                network.load_state_dict(_within(tensors, key))
            values: dict[int, dict[str, Tensor]] = {}
            for key, tensor in _within(tensors, "optimiser").items():
                index, _, name = key.partition("/")
                values.setdefault(int(index), {})[name] = tensor
            groups = optimiser.state_dict()["param_groups"]
            optimiser.load_state_dict({"state": values, "param_groups": groups})
        except _UNUSABLE as error:
            raise self._unusable(error) from None

    def discard(self) -> None:
        """Delete it, if it is there.

        Raises:
            ModelError: it cannot be deleted.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise ModelError(f"{self.path}: cannot be deleted ({error.strerror})") from None

    def _unusable(self, error: Exception) -> ModelError:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        return ModelError(f"{self.path}: not a checkpoint of this training ({why}); delete it to start anew")


def _within(tensors: dict[str, Tensor], key: str) -> dict[str, Tensor]:
    """The tensors whose names begin with a key, by the rest of their names."""
    prefix = f"{key}/"
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
