"""Training state on disk: tensors as safetensors, everything else as JSON. Never pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from lipstream.models.errors import ModelError
from lipstream.models.whole_file import whole_file


class Checkpoint:
    """A resumable state: networks, optimiser and a few facts.

    Two files, `NAME.safetensors` and `NAME.json`, each written beside its place and moved there, so that a run that is
    killed leaves the state before.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._tensors = folder / f"{name}.safetensors"
        self._facts = folder / f"{name}.json"

    def save(self, networks: dict[str, nn.Module], optimiser: Optimizer, facts: dict[str, Any]) -> None:
        """Write the state.

        Raises:
            ModelError: it cannot be written; what was there stays.
        """
        tensors = {f"{key}/{name}": t for key, net in networks.items() for name, t in net.state_dict().items()}
        for index, values in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{index}/{key}": v for key, v in values.items() if isinstance(v, Tensor)}
        with whole_file(self._tensors) as partial:
            save_file({key: t.detach().cpu().contiguous().clone() for key, t in tensors.items()}, partial)
        with whole_file(self._facts) as partial:
            partial.write_text(json.dumps(facts, indent=1), encoding="utf-8")

    def load(self, networks: dict[str, nn.Module], optimiser: Optimizer) -> dict[str, Any] | None:
        """Restore the state in place.

        Returns:
            The facts given to `save`, None where there is no checkpoint.

        Raises:
            ModelError: the files are there but not readable.
        """
        if not self._facts.exists() or not self._tensors.exists():
            return None
        try:
            facts: dict[str, Any] = json.loads(self._facts.read_text(encoding="utf-8"))
            tensors = load_file(self._tensors)
            for key, network in networks.items():
                prefix = f"{key}/"
                network.load_state_dict({k[len(prefix) :]: t for k, t in tensors.items() if k.startswith(prefix)})
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise ModelError(
                f"{self._tensors}: not a checkpoint of this training ({error}); delete it to start anew"
            ) from None
        state = optimiser.state_dict()
        values: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith("optimiser/"):
                _, index, name = key.split("/")
                values.setdefault(int(index), {})[name] = tensor
        optimiser.load_state_dict({"state": values, "param_groups": state["param_groups"]})
        return facts


def save_weights(network: nn.Module, path: Path, facts: dict[str, str]) -> None:
    """Write the weights of a trained network in half precision, with facts in the file's metadata.

    Raises:
        ModelError: they cannot be written.
    """
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).detach().cpu().contiguous()
        for name, tensor in network.state_dict().items()
    }
    with whole_file(path) as partial:
        save_file(tensors, partial, metadata=facts)


def load_weights(network: nn.Module, path: Path) -> None:
    """Load weights of `save_weights` into a network in full precision, and set it to inference.

    Raises:
        ModelError: the file is missing or does not fit.
    """
    try:
        tensors = load_file(path)
        network.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in tensors.items()})
    except (OSError, RuntimeError, SafetensorError) as error:
        # torch lists every tensor that does not fit, a line each
        why = str(error).splitlines()[0]
        raise ModelError(f"{path}: no usable weights ({why}); reinstall, or train it again") from None
    network.eval()
    network.requires_grad_(False)
