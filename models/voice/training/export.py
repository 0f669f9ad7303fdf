"""The network of voices from Resemblyzer's weights: as safetensors, and as a graph for ONNX Runtime.

The weights lie in the wheel `Resemblyzer==0.1.4` as `resemblyzer/pretrained.pt`, a pickle. It is read here once, with
torch's reader that takes tensors alone, and never where captions are made.
"""

from __future__ import annotations

from pathlib import Path

import torch

from lipstream.models.errors import ModelError
from lipstream.models.training.export import digest, export
from lipstream.models.voice.embedding import GRAPH, WEIGHTS, WINDOW_FRAMES
from lipstream.models.voice.mel import BANDS
from lipstream.models.voice.net import SpeakerNet
from lipstream.models.weights import load_weights, save_weights

SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
"""Of the file that the weights are taken of."""
STATE = "speaker.safetensors"
_SPACE = ("mean", "turn")


def pretrained_net(pretrained: Path) -> SpeakerNet:
    """Resemblyzer's network, its vectors as they are.

    Args:
        pretrained: `resemblyzer/pretrained.pt`.

    Raises:
        ModelError: it is another file.
    """
    if digest(pretrained) != SHA256:
        raise ModelError(f"{pretrained} is not resemblyzer/pretrained.pt of Resemblyzer 0.1.4")
    state = torch.load(pretrained, map_location="cpu", weights_only=True)["model_state"]
    network = SpeakerNet()
    # Two numbers more belong to the loss it was trained with.
    network.load_state_dict({name: state[name] for name in network.state_dict() if name not in _SPACE}, strict=False)
    return network.eval()


def write(network: SpeakerNet, folder: Path = WEIGHTS) -> None:
    """Write weights and graph."""
    save_weights(network, folder / STATE, {"from": "Resemblyzer 0.1.4", "licence": "Apache-2.0", "sha256": SHA256})
    export_speaker(folder)


def speaker_net(folder: Path = WEIGHTS) -> SpeakerNet:
    """The network with the weights of a folder."""
    network = SpeakerNet()
    load_weights(network, folder / STATE)
    return network


def export_speaker(folder: Path = WEIGHTS) -> None:
    """Write the graph beside the weights."""
    examples = {"mels": torch.rand(2, WINDOW_FRAMES, BANDS)}
    changing = {"mels": {0: "windows", 1: "frames"}, "voices": {0: "windows"}}
    export(speaker_net(folder), folder / GRAPH, examples, ("voices",), changing, [folder / STATE])
