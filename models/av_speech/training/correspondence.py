"""Training of the agreement of lips and sound, when lip network and fusion are done and stay as they are.

By contrast within a batch: of all its sounds the own one, and not the own one at another time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lipstream.models.av_speech.correspondence_net import CorrespondenceNet, heard
from lipstream.models.av_speech.encoder_frames import beside_lips
from lipstream.models.av_speech.fusion_net import FusionNet
from lipstream.models.av_speech.lip_net import LipNet
from lipstream.models.av_speech.recording import LIP_RATE
from lipstream.models.av_speech.training.batches import half_precision, shuffled, stacked
from lipstream.models.av_speech.training.encodings import EncodedStretch
from lipstream.models.av_speech.training.fusion import Example, data_of
from lipstream.models.speech.fusion import LIP_MARGIN
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.device import CPU
from lipstream.models.training.loop import Task, TrainingRun, one_adamw_cycle
from lipstream.models.training.progress import ProgressReport

_LEAST_SHIFT: Final = 13
_MOST_SHIFT: Final = 40
"""Lip frames by which sound is at another time: half a second and more."""


@dataclass(frozen=True, slots=True)
class CorrespondenceRecipe:
    """How agreement is trained.

    Attributes:
        seed: everything random follows from it.
        steps: at least; whole passes over the recordings.
        batch: recordings a step.
        learning_rate: peak of one cycle, AdamW.
        takes: changes of the lips of each recording.
        sounds: of each recording: the clean one and mixtures.
        skew: seconds by which lips are shifted against the sound at most.
    """

    seed: int = 0
    steps: int = 150
    batch: int = 40
    learning_rate: float = 2e-3
    takes: int = 3
    sounds: int = 4
    skew: float = 0.12


class _Heard(NamedTuple):
    """A stretch of a recording: (T, D) what the fusion makes of it without lips, and where it begins and ends."""

    frames: Tensor
    start: float
    end: float


class _Known(NamedTuple):
    """A recording as training sees it: (L, lip_width) states of its lips, mask of those seen, and its sounds."""

    takes: list[Tensor]
    mask: Tensor
    sounds: list[_Heard]


def train_correspondence(
    network: CorrespondenceNet,
    frozen: tuple[LipNet, FusionNet],
    examples: Sequence[Example],
    recipe: CorrespondenceRecipe,
    out: Path,
    report: ProgressReport,
    device: torch.device = CPU,
) -> None:
    """Train in place; all networks are in inference mode and on the processor afterwards. Resumable.

    Args:
        network: to be trained.
        frozen: lip network and fusion, trained.
        examples: what to learn from.
        recipe: how.
        out: folder of the checkpoint.
        report: progress.
        device: where to train.

    Raises:
        ModelError: `out` holds another training.
    """
    lips, fusion = frozen
    for each in (network, *frozen):
        each.to(device).eval()
    rng = np.random.default_rng([recipe.seed, 7])
    usable = [each for each in examples if bool(each.lips.mask.any())]
    known = []
    for index, example in enumerate(usable):
        known.append(_known(example, lips, fusion, recipe, rng))
        report("hearing without lips", index + 1, len(usable), "")
    run = TrainingRun(
        Checkpoint(out, "agreement"),
        {"agreement": network},
        one_adamw_cycle([{"params": list(network.parameters()), "lr": recipe.learning_rate}], recipe.seed),
        {"recipe": asdict(recipe), "recordings": len(known), "data": data_of(usable)},
    )
    task = Task(
        "matching lips and sound",
        lambda random: shuffled(len(known), recipe.batch, random.rng),
        lambda chosen, random: _loss(network, [known[index] for index in chosen], recipe.skew, random.rng, device),
    )
    network.train().requires_grad_(True)
    a_pass = max(1, len(known) // recipe.batch)
    run.train(task, -(-recipe.steps // a_pass), report)
    for each in (network, *frozen):
        each.to(CPU).eval()


def _known(
    example: Example, lips: LipNet, fusion: FusionNet, recipe: CorrespondenceRecipe, rng: np.random.Generator
) -> _Known:
    track, stretches = example.lips, [example.sound.clean, *example.sound.noisy][: recipe.sounds]
    device = lips.mean.device
    with torch.inference_mode(), half_precision(device):
        takes = torch.stack([track.plain(), *(track.varied(rng) for _ in range(recipe.takes - 1))])
        states = lips(takes.to(device), track.mask.expand(len(takes), -1).to(device))
        sounds = [_heard(each, fusion, device) for each in stretches]
    return _Known([each.half() for each in states.cpu()], track.mask, sounds)


def _heard(stretch: EncodedStretch, fusion: FusionNet, device: torch.device) -> _Heard:
    alone = fusion.without_lips(torch.from_numpy(stretch.frames).float()[None].to(device))
    return _Heard(heard(alone)[0].half().cpu(), stretch.start, stretch.end)


def _loss(
    network: CorrespondenceNet, chosen: Sequence[_Known], skew: float, rng: np.random.Generator, device: torch.device
) -> Tensor:
    drawn = [_drawn(each, skew, rng) for each in chosen]
    lips, sounds, counted = (stacked([each[place] for each in drawn]).to(device) for place in range(3))
    of_lips, of_sounds = network.lips(lips, counted), network.sound(sounds, counted)
    scores = network.compare(of_lips, of_sounds, counted[:, None] * counted[None])
    own = torch.eye(len(drawn), dtype=torch.bool, device=device)
    loss = F.softplus(-scores[own]).mean()
    if len(drawn) > 1:
        right = torch.arange(len(drawn), device=device)
        loss = loss + F.cross_entropy(scores, right) + F.cross_entropy(scores.T, right)
        loss = loss + F.softplus(scores[~own]).mean()
    by = int(rng.integers(_LEAST_SHIFT, _MOST_SHIFT)) * int(rng.choice((-1, 1)))
    late = counted * counted.roll(by, dims=1)
    shifted = network.compare(of_lips, of_sounds.roll(by, dims=1), late[:, None].expand(-1, len(drawn), -1))
    return loss + 0.5 * F.softplus(shifted[own]).mean()


def _drawn(known: _Known, skew: float, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Lip states, sound at their times, and which frames count."""
    sound = known.sounds[int(rng.integers(len(known.sounds)))]
    frames = slice(max(0, int((sound.start - LIP_MARGIN) * LIP_RATE)), int((sound.end + LIP_MARGIN) * LIP_RATE) + 1)
    states = known.takes[int(rng.integers(len(known.takes)))][frames].float()
    times = torch.arange(len(states)) / LIP_RATE + frames.start / LIP_RATE - sound.start
    return states, *beside_lips(sound.frames.float(), times + float(rng.uniform(-skew, skew)), known.mask[frames])
