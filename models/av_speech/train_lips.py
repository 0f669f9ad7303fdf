"""Pretraining of the lip network: reading lips, with CTC on the characters of what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.av_speech.batches import shuffled, stacked
from models.av_speech.characters import BLANK, read, spell
from models.av_speech.lip_augment import LipSequence, at_speed, drop_frames
from models.av_speech.lip_net import STEPS, LipNet
from models.av_speech.training_run import TrainingRun, run_epochs
from models.emotion.progress import Report
from models.errors import ModelError


@dataclass(frozen=True, slots=True)
class LipRecipe:
    """How the lip network is pretrained.

    Attributes:
        seed: everything random follows from it.
        epochs: passes over the recordings.
        batch: recordings a step.
        learning_rate: peak of one cycle, AdamW.
        slowest: least factor of speed.
        fastest: greatest factor of speed.
    """

    seed: int = 0
    epochs: int = 30
    batch: int = 16
    learning_rate: float = 1.5e-3
    slowest: float = 0.85
    fastest: float = 1.2


def pretrain_lips(
    network: LipNet, lips: Sequence[LipSequence], texts: Sequence[str], recipe: LipRecipe, out: Path, report: Report
) -> LipNet:
    """Teach a network to read lips; resumable.

    Args:
        network: to be trained, in place.
        lips: of each recording.
        texts: what is said in each.
        recipe: how.
        out: folder of the checkpoint.
        report: progress.

    Returns:
        The network, in inference mode.

    Raises:
        ModelError: there is nothing to learn from, or `out` holds another training.
    """
    usable = [index for index, text in enumerate(texts) if spell(text) and bool(lips[index].mask.any())]
    if len(usable) < 2:
        raise ModelError("expected two or more recordings with a visible mouth and a transcript to learn lips from")
    network.fit(torch.cat([lips[index].plain()[lips[index].mask] for index in usable]))
    run = TrainingRun(
        out,
        "lips",
        {"lips": network},
        [{"params": list(network.parameters()), "lr": recipe.learning_rate}],
        {"recipe": asdict(recipe), "recordings": len(usable)},
    )

    def loss_of(chosen: list[int], rng: np.random.Generator) -> Tensor:
        indices = [usable[each] for each in chosen]
        return _loss(network, [lips[i] for i in indices], [texts[i] for i in indices], recipe, rng)

    network.train()
    run_epochs(
        run,
        recipe.epochs,
        recipe.seed,
        lambda rng: shuffled(len(usable), recipe.batch, rng),
        loss_of,
        lambda done, steps, words: report("reading lips", done, steps, words),
    )
    return network.eval()


def _loss(
    network: LipNet, lips: Sequence[LipSequence], texts: Sequence[str], recipe: LipRecipe, rng: np.random.Generator
) -> Tensor:
    frames, masks = [], []
    for each in lips:
        speed = float(rng.uniform(recipe.slowest, recipe.fastest))
        varied, mask = at_speed(each.varied(rng), each.mask, speed)
        frames.append(varied)
        masks.append(drop_frames(mask, rng))
    scores = network.character_scores(network(stacked(frames), stacked(masks)))
    return ctc(scores, [STEPS * len(each) for each in frames], texts)


def ctc(scores: Tensor, lengths: Sequence[int], texts: Sequence[str]) -> Tensor:
    """CTC loss of (B, N, C) log-probabilities of characters against texts."""
    spelled = [torch.tensor(spell(text)) for text in texts]
    loss: Tensor = F.ctc_loss(
        scores.transpose(0, 1),
        torch.cat(spelled),
        torch.tensor(lengths),
        torch.tensor([len(each) for each in spelled]),
        blank=BLANK,
        zero_infinity=True,
    )
    return loss


def read_lips(network: LipNet, lips: LipSequence) -> str:
    """What a network reads from lips: the best character of each step."""
    with torch.inference_mode():
        scores = network.character_scores(network(lips.plain()[None], lips.mask[None]))
    return read(scores[0].argmax(dim=-1).tolist())
