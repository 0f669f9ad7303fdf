"""The branches of emotion and their fusion as graphs for ONNX Runtime, from the weights in a folder."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from lipstream.models.emotion.branches import VOICE_GRAPH
from lipstream.models.emotion.face_net import ExpressionNet, hide_mouth, standardise
from lipstream.models.emotion.face_shape import GEOMETRY
from lipstream.models.emotion.fusion import FUSION_GRAPH, MOST_TOKENS
from lipstream.models.emotion.fusion_net import WAYS, FusionNet
from lipstream.models.emotion.geometry_net import GeometryNet, blended
from lipstream.models.emotion.looks import APPEARANCE_WEIGHTS, FACE_SIZE, GRAPH, SHAPE_WEIGHTS
from lipstream.models.emotion.prosody import PROSODY
from lipstream.models.emotion.quality import TOKEN
from lipstream.models.emotion.voice_net import VoiceNet
from lipstream.models.emotion.voice_steps import ENCODER, STEP
from lipstream.models.errors import ModelError
from lipstream.models.training.export import export
from lipstream.models.weights import load_weights

_STEPS = 32


class _BothLooks(nn.Module):
    def __init__(self, appearance: ExpressionNet, shape: GeometryNet) -> None:
        super().__init__()
        self.appearance, self.shape = appearance, shape
        self.register_buffer("above_mouth", hide_mouth(torch.ones(1, 1, FACE_SIZE, FACE_SIZE)))
        self.above_mouth: Tensor

    def forward(self, faces: Tensor, shapes: Tensor, mouth: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities (N, 7) and embeddings of (N, 1, 48, 48) gray faces and (N, GEOMETRY) shapes.

        `mouth` is 1 where the mouth counts, 0 where not.
        """
        images, known = standardise(faces), ~shapes[:, :1].isnan()
        images = images * (mouth + (1 - mouth) * self.above_mouth)
        points = self.shape.standardise(torch.where(shapes.isnan(), torch.zeros_like(shapes), shapes))
        points = mouth * points + (1 - mouth) * self.shape.hide_mouth(points)
        logits, embeddings = self.appearance(images)
        logs = logits.log_softmax(dim=1)
        both = blended(self.shape, logs, self.shape(points).log_softmax(dim=1))
        return torch.where(known, both, logs), embeddings


class _AllFolds(nn.Module):
    def __init__(self, networks: list[VoiceNet]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, encoded: Tensor, sound: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The mean log-probabilities (B, 7), and the embeddings of the first network."""
        found = [network(encoded, sound, mask) for network in self.networks]
        logs = torch.stack([logits.log_softmax(dim=1) for logits, _ in found]).mean(dim=0).log_softmax(dim=1)
        return logs, found[0][1]


class _Fusion(nn.Module):
    def __init__(self, network: FusionNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor]:
        """What `FusionNet` gives; the times of face and voice come last."""
        face, voice, face_mask, voice_mask, face_times, voice_times = given
        logs, weights = self.network(face, voice, face_mask, voice_mask, (face_times, voice_times))
        return logs, weights


def both_looks(folder: Path) -> nn.Module:
    """The face branch as it is written."""
    appearance, shape = ExpressionNet(), GeometryNet()
    load_weights(appearance, folder / APPEARANCE_WEIGHTS)
    load_weights(shape, folder / SHAPE_WEIGHTS)
    return _BothLooks(appearance, shape).eval()


def export_face(folder: Path) -> None:
    """Write the face branch."""
    examples = {
        "faces": torch.rand(2, 1, FACE_SIZE, FACE_SIZE),
        "shapes": torch.randn(2, GEOMETRY),
        "mouth": torch.tensor(1.0),
    }
    names = ("log_probabilities", "embeddings")
    changing = {name: {0: "faces"} for name in ("faces", "shapes", *names)}
    made_of = [folder / APPEARANCE_WEIGHTS, folder / SHAPE_WEIGHTS]
    export(both_looks(folder), folder / GRAPH, examples, names, changing, made_of)


def voice_files(folder: Path) -> list[Path]:
    """The weights of the folds of one seed, the first there is.

    Raises:
        ModelError: there are none.
    """
    files = sorted(folder.glob("voice_seed*_fold*.safetensors"))
    if not files:
        raise ModelError(f"{folder}: no voice weights here; reinstall, or run `train emotion --branch voice`")
    seed = files[0].name.split("_fold")[0]
    return [each for each in files if each.name.startswith(f"{seed}_")]


def all_folds(folder: Path) -> nn.Module:
    """The voice branch as it is written."""
    networks = []
    for path in voice_files(folder):
        network = VoiceNet()
        load_weights(network, path)
        networks.append(network)
    return _AllFolds(networks).eval()


def export_voice(folder: Path) -> None:
    """Write the voice branch."""
    examples = {
        "encoded": torch.randn(2, _STEPS, ENCODER),
        "sound": torch.randn(2, STEP * _STEPS, PROSODY),
        "mask": torch.ones(2, _STEPS, dtype=torch.bool),
    }
    names = ("log_probabilities", "embeddings")
    changing = {"encoded": {0: "windows", 1: "steps"}, "sound": {0: "windows", 1: "rows"}}
    changing |= {"mask": {0: "windows", 1: "steps"}, **{name: {0: "windows"} for name in names}}
    export(all_folds(folder), folder / VOICE_GRAPH, examples, names, changing, voice_files(folder))


def fusion_of(folder: Path, way: str) -> nn.Module:
    """Fusion as it is written."""
    network = WAYS[way]()
    load_weights(network, folder / "fusion.safetensors")
    return _Fusion(network).eval()


def export_fusion(folder: Path, way: str | None = None) -> None:
    """Write fusion; which way it is, is in `fusion.json` if it is not told."""
    if way is None:
        way = str(json.loads((folder / "fusion.json").read_text(encoding="utf-8"))["way"])
    # Always so many, masked where there are fewer: attention in torch is written for the lengths that it was shown.
    examples = {name: torch.randn(1, MOST_TOKENS, TOKEN) for name in ("face", "voice")}
    examples |= {f"{name}_mask": torch.ones(1, MOST_TOKENS, dtype=torch.bool) for name in ("face", "voice")}
    examples |= {f"{name}_times": torch.zeros(1, MOST_TOKENS) for name in ("face", "voice")}
    names, made_of = ("log_probabilities", "weights"), [folder / "fusion.safetensors"]
    export(fusion_of(folder, way), folder / FUSION_GRAPH, examples, names, {}, made_of)
