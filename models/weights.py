"""Weights of trained networks on disk: safetensors in half precision. Never pickle."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from lipstream.models.assets.files import known_sha256
from lipstream.models.errors import ModelError
from lipstream.models.used import note_used
from lipstream.models.whole_file import whole_file


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
    # weights/ of a room: the room tells what the network is for.
    room = path.parent.parent.name if path.parent.name == "weights" else path.parent.name
    note_used(f"{room}/{path.name}", known_sha256(path))
