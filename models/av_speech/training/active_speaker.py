"""Training of the decision whose voice is heard, and its figures on speakers left out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lipstream.models.av_speech.active_speaker_net import ActiveSpeakerNet, centred
from lipstream.models.av_speech.training.active_speaker_data import Sample
from lipstream.models.av_speech.training.lip_augment import drop_frames
from lipstream.models.av_speech.training.recording_fingerprint import of_lips
from lipstream.models.errors import ModelError
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.device import CPU
from lipstream.models.training.fingerprint import Part, fingerprint
from lipstream.models.training.loop import Task, TrainingRun, one_adamw_cycle
from lipstream.models.training.progress import ProgressReport
from lipstream.models.training.randomness import Randomness

WINDOW: Final = 75
"""Lip frames of an example: 3 s."""
_STEPS: Final = 25
"""Steps that count as an epoch: recordings are drawn by length, so there are no passes."""
_SHIFTS: Final = (10, 30)
"""Frames by which the own sound is moved to be told from itself."""


@dataclass(frozen=True, slots=True)
class ActiveSpeakerRecipe:
    """How the decision is trained.

    Attributes:
        seed: everything random follows from it.
        epochs: of 25 steps.
        batch: recordings a step; each is also set against the voices of all others.
        learning_rate: peak of one cycle, AdamW.
        clean: share of the examples with clean sound; the others are mixtures.
        disguised: share of the examples whose lips are changed into somebody else's (`LipSequence.disguised`). It tells
            strangers better, but helps no mask that is trained on top of it (docs/experiments/speech_fusion.md).
    """

    seed: int = 0
    epochs: int = 30
    batch: int = 24
    learning_rate: float = 1e-3
    clean: float = 0.5
    disguised: float = 0.0


def left_out(speaker: str) -> bool:
    """Whether a speaker judges instead of teaching: one in five, by the name, always the same."""
    return int(hashlib.md5(speaker.encode(), usedforsecurity=False).hexdigest(), 16) % 5 == 0


def train_active_speaker(
    samples: Sequence[Sample],
    recipe: ActiveSpeakerRecipe,
    out: Path,
    report: ProgressReport,
    device: torch.device = CPU,
) -> ActiveSpeakerNet:
    """Train on `device`; resumable. The network is in inference mode, on the processor.

    Raises:
        ModelError: too few recordings, or `out` holds another training.
    """
    usable = [each for each in samples if is_usable(each)]
    if len({each.speaker for each in usable}) < 2:
        raise ModelError("expected recordings of two or more visible speakers to learn whose voice is heard")
    torch.manual_seed(recipe.seed)
    network = ActiveSpeakerNet()
    network.lips.fit(torch.cat([centred(each.lips.plain(), each.lips.mask)[each.lips.mask] for each in usable]))
    network.sound.fit(torch.cat([each.clean for each in usable]).float())
    network.to(device)
    groups = [{"params": list(network.parameters()), "lr": recipe.learning_rate}]
    run = TrainingRun(
        Checkpoint(out, "own_voice"),
        {"network": network},
        one_adamw_cycle(groups, recipe.seed, weight_decay=0.05),
        {"recipe": asdict(recipe), "recordings": len(usable), "data": data_of(usable)},
    )
    size = min(recipe.batch, len(usable))
    weights = np.sqrt([len(each.active) for each in usable])
    weights /= weights.sum()

    def batches(random: Randomness) -> list[list[int]]:
        return [random.rng.choice(len(usable), size, replace=False, p=weights).tolist() for _ in range(_STEPS)]

    def loss(chosen: list[int], random: Randomness) -> Tensor:
        batch = _batch([usable[index] for index in chosen], recipe, random.rng)
        return _loss(network, batch.on(device), random.rng)

    network.train()
    run.train(Task("learning whose voice is heard", batches, loss), recipe.epochs, report)
    return network.to(CPU).eval()


def data_of(samples: Sequence[Sample]) -> str:
    """Fingerprint of what is learnt from."""
    parts: list[Part] = []
    for each in samples:
        parts += [each.speaker, of_lips(each.lips), each.clean, *each.mixtures]
    return fingerprint(parts)


def is_usable(sample: Sample) -> bool:
    """Whether a recording shows a mouth for half of its time, and for a second and a half."""
    return float(sample.lips.mask.float().mean()) > 0.5 and len(sample.active) >= WINDOW // 2


class _Batch(NamedTuple):
    lips: Tensor
    mask: Tensor
    sound: Tensor
    active: Tensor
    real: Tensor

    def on(self, device: torch.device) -> _Batch:
        """The same on a device."""
        return _Batch(*(each.to(device) for each in self))


def _loss(network: ActiveSpeakerNet, batch: _Batch, rng: np.random.Generator) -> Tensor:
    seen = batch.mask.float()
    lips, sound = network.lips(batch.lips, seen), network.sound(batch.sound, batch.real.float())
    own = torch.arange(len(lips), device=lips.device)
    alike = network.likeness(lips, sound, seen * batch.real)
    moved = torch.roll(sound, int(rng.integers(*_SHIFTS)), 1)
    late = network.likeness(lips, moved, seen * batch.real).diagonal()[:, None]
    contrast = F.cross_entropy(torch.cat((alike, late), dim=1), own) + F.cross_entropy(alike.T, own)
    other = torch.roll(own, int(rng.integers(1, len(own))))
    both = batch.mask & batch.real
    mismatched = batch.mask & batch.real[other]
    mine = network.judge(lips, sound, seen)[both]
    theirs = network.judge(lips, sound[other], seen)[mismatched]
    decided = F.binary_cross_entropy_with_logits(mine, batch.active[both])
    return contrast + decided + F.binary_cross_entropy_with_logits(theirs, torch.zeros_like(theirs))


def _batch(chosen: Sequence[Sample], recipe: ActiveSpeakerRecipe, rng: np.random.Generator) -> _Batch:
    count, sounds = len(chosen), chosen[0].clean.shape[1]
    lips = torch.zeros(count, WINDOW, chosen[0].lips.plain().shape[1])
    sound, active = torch.zeros(count, WINDOW, sounds), torch.zeros(count, WINDOW)
    mask, real = torch.zeros(count, WINDOW, dtype=torch.bool), torch.zeros(count, WINDOW, dtype=torch.bool)
    for row, each in enumerate(chosen):
        first = int(rng.integers(0, max(1, len(each.active) - WINDOW + 1)))
        part = slice(first, first + WINDOW)
        length = len(each.active[part])
        heard = each.clean if rng.random() < recipe.clean else each.mixtures[int(rng.integers(len(each.mixtures)))]
        seen = each.lips.mask[part]
        look = each.lips.part(part)
        disguise = recipe.disguised and rng.random() < recipe.disguised
        lips[row, :length] = centred(look.disguised(rng) if disguise else look.varied(rng), seen)
        mask[row, :length] = drop_frames(seen, rng)
        sound[row, :length] = heard[part].float()
        active[row, :length] = each.active[part].float()
        real[row, :length] = True
    return _Batch(lips, mask, sound, active, real)


def judge(network: ActiveSpeakerNet, samples: Sequence[Sample], seed: int = 0) -> dict[str, Any]:
    """Figures on recordings of speakers left out.

    Returns:
        "auc": of frames of own speech against frames of speech from recordings of other speakers, four each;
        "auc against pauses": own speech against own pauses, in mixtures; and numbers of clips and speakers.
    """
    rng = np.random.default_rng(seed)
    own, mismatched, speaking, pausing = [], [], [], []
    for each in samples:
        seen = each.lips.mask
        own.append(_scores(network, each, each.clean)[each.active & seen])
        mixture = _scores(network, each, each.mixtures[0])
        speaking.append(mixture[each.active & seen])
        pausing.append(mixture[~each.active & seen])
        others = [other for other in samples if other.speaker != each.speaker]
        for index in rng.permutation(len(others))[:4]:
            other = others[index]
            length = min(len(other.active), len(each.active))
            counted = other.active[:length] & seen[:length]
            mismatched.append(_scores(network, each, other.clean[:length])[counted])
    return {
        "clips": len(samples),
        "speakers": len({each.speaker for each in samples}),
        "auc": round(area(torch.cat(own), torch.cat(mismatched)), 4),
        "auc against pauses": round(area(torch.cat(speaking), torch.cat(pausing)), 4),
    }


def _scores(network: ActiveSpeakerNet, lips: Sample, sound: Tensor) -> Tensor:
    length = len(sound)
    frames, mask = centred(lips.lips.plain(), lips.lips.mask)[:length], lips.lips.mask[:length]
    with torch.inference_mode():
        scores: Tensor = network(frames[None], mask[None], sound[None].float())
    return scores[0]


def area(positive: Tensor, negative: Tensor) -> float:
    """Area under the ROC curve: how often a positive score is above a negative one."""
    if not len(positive) or not len(negative):
        return float("nan")
    scores = torch.cat((positive, negative)).double()
    ranks = torch.empty_like(scores)
    ranks[scores.argsort()] = torch.arange(1, len(scores) + 1, dtype=torch.double)
    above = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return float(above / (len(positive) * len(negative)))
