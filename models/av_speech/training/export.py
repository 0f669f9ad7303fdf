"""The networks of the general fusion as graphs for ONNX Runtime, from their weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from lipstream.models.av_speech.active_speaker_net import EVIDENCE, ActiveSpeakerNet, centred
from lipstream.models.av_speech.general_fusion import ACTIVE_SPEAKER, TARGET_MASK
from lipstream.models.av_speech.lip_input import INPUTS
from lipstream.models.av_speech.sound_frames import SOUND
from lipstream.models.av_speech.target_mask_net import TargetMaskNet, loudness_of
from lipstream.models.av_speech.voice_bands import BANDS
from lipstream.models.training.export import export
from lipstream.models.weights import load_weights

_LIPS, _FRAMES = 50, 84


class Mouth(nn.Module):
    """`ActiveSpeakerNet` with all that it takes to ask it."""

    def __init__(self, network: ActiveSpeakerNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, lips: Tensor, seen: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (1, L) that the mouth is the voice, and evidence (1, L, EVIDENCE).

        Of (1, L, INPUTS) lips, (1, L) where they are seen, and (1, L, SOUND) sound at their times.
        """
        scores, evidence = self.network.evidence(centred(lips, seen), seen, sound)
        return scores.sigmoid(), evidence


class Mask(nn.Module):
    """`TargetMaskNet` likewise."""

    def __init__(self, network: TargetMaskNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, powers: Tensor, sound: Tensor, evidence: Tensor) -> tuple[Tensor, Tensor]:
        """Gains (1, T, BANDS) and probabilities (1, T) of other voices.

        Of (1, T, BANDS) powers, and sound and evidence at the times of the lips.
        """
        found = self.network(loudness_of(powers), sound, evidence)
        return found.gains, found.other.sigmoid()


def mouth_of(weights: Path) -> Mouth:
    """What judges the mouth, in inference mode."""
    network = ActiveSpeakerNet()
    load_weights(network, weights)
    return Mouth(network).eval()


def mask_of(weights: Path) -> Mask:
    """What tells voices apart, in inference mode."""
    network = TargetMaskNet()
    load_weights(network, weights)
    return Mask(network).eval()


def export_active_speaker(folder: Path) -> None:
    """Write what judges the mouth, beside its weights."""
    weights = (folder / ACTIVE_SPEAKER.name).with_suffix(".safetensors")
    examples = {
        "lips": torch.randn(1, _LIPS, INPUTS),
        "seen": torch.ones(1, _LIPS, dtype=torch.bool),
        "sound": torch.randn(1, _LIPS, SOUND),
    }
    names = ("own", "evidence")
    changing = {name: {1: "L"} for name in (*examples, *names)}
    export(mouth_of(weights), folder / ACTIVE_SPEAKER.name, examples, names, changing, [weights])


def export_target_mask(folder: Path) -> None:
    """Write what tells voices apart, beside its weights."""
    weights = (folder / TARGET_MASK.name).with_suffix(".safetensors")
    examples = {
        "powers": torch.rand(1, _FRAMES, BANDS),
        "sound": torch.randn(1, _LIPS, SOUND),
        "evidence": torch.randn(1, _LIPS, EVIDENCE),
    }
    names = ("gains", "others")
    changing = {"powers": {1: "T"}, "sound": {1: "L"}, "evidence": {1: "L"}}
    changing |= {name: {1: "T"} for name in names}
    export(mask_of(weights), folder / TARGET_MASK.name, examples, names, changing, [weights])
