"""Pretraining of the lip network: reading lips, with CTC on the pieces of words that the decoder writes.

Word pieces teach more than characters where they come often enough, because a short word is one shape of the mouth and
not the sum of its letters (docs/experiments/speech_fusion.md). Rare pieces share a class, and characters are learnt
beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lipstream.models.av_speech.characters import BLANK, spell
from lipstream.models.av_speech.lip_net import STEPS, LipNet
from lipstream.models.av_speech.training.batches import shuffled, stacked
from lipstream.models.av_speech.training.lip_augment import LipSequence, at_speed, drop_frames
from lipstream.models.av_speech.training.recording_fingerprint import of_lips
from lipstream.models.errors import ModelError
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.device import CPU
from lipstream.models.training.fingerprint import fingerprint
from lipstream.models.training.loop import Task, TrainingRun, one_adamw_cycle
from lipstream.models.training.progress import ProgressReport

OFTEN: Final = 5
"""Times that a piece must occur to have a class of its own."""
_RARE: Final = 1


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
        character_weight: of the CTC loss on characters.
    """

    seed: int = 0
    epochs: int = 30
    batch: int = 16
    learning_rate: float = 2e-3
    slowest: float = 0.9
    fastest: float = 1.1
    character_weight: float = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class LipReading:
    """A recording to learn to read lips from.

    Attributes:
        lips: what is seen.
        text: what is said.
        tokens: the same as the decoder writes it, without punctuation.
    """

    lips: LipSequence
    text: str
    tokens: tuple[int, ...]


class PieceReader(nn.Module):
    """The lip network with scores for word pieces on top, which are thrown away after pretraining."""

    def __init__(self, network: LipNet, readings: Sequence[LipReading]) -> None:
        super().__init__()
        counts = Counter(token for each in readings for token in each.tokens)
        self.pieces = sorted(token for token, count in counts.items() if count >= OFTEN)
        self._class = {token: index for index, token in enumerate(self.pieces, start=_RARE + 1)}
        self.network = network
        self.scores = nn.Linear(network.width, _RARE + 1 + len(self.pieces))

    def forward(self, states: Tensor) -> Tensor:
        """(B, T, width) states of the network -> (B, T, classes) log-probabilities of pieces."""
        scores: Tensor = self.scores(self.network.dropout(states))
        return scores.log_softmax(dim=-1)

    def classes(self, tokens: Sequence[int]) -> list[int]:
        """Class of each token."""
        return [self._class.get(token, _RARE) for token in tokens]

    def read(self, lips: LipSequence) -> list[int]:
        """The tokens that are read from lips; rare ones are left out."""
        with torch.inference_mode():
            best = self(self.network(lips.plain()[None], lips.mask[None]))[0].argmax(dim=-1).tolist()
        return [self.pieces[index - _RARE - 1] for index, _ in groupby(best) if index > _RARE]


def pretrain_lips(
    network: LipNet,
    readings: Sequence[LipReading],
    recipe: LipRecipe,
    out: Path,
    report: ProgressReport,
    device: torch.device = CPU,
) -> PieceReader:
    """Teach a network to read lips; resumable.

    Args:
        network: to be trained, in place.
        readings: what to learn from; those without a visible mouth or words are left out.
        recipe: how.
        out: folder of the checkpoint.
        report: progress.
        device: where to train.

    Returns:
        The network and what reads from it, in inference mode, on the processor.

    Raises:
        ModelError: there is nothing to learn from, or `out` holds another training.
    """
    usable = [each for each in readings if spell(each.text) and each.tokens and bool(each.lips.mask.any())]
    if len(usable) < 2:
        raise ModelError("expected two or more recordings with a visible mouth and a transcript to learn lips from")
    network.fit(torch.cat([each.lips.plain()[each.lips.mask] for each in usable]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        reader = PieceReader(network, usable)
    reader.to(device)
    run = TrainingRun(
        Checkpoint(out, "lips"),
        {"reader": reader},
        one_adamw_cycle([{"params": list(reader.parameters()), "lr": recipe.learning_rate}], recipe.seed),
        {"recipe": asdict(recipe), "recordings": len(usable), "data": _data(usable)},
    )
    task = Task(
        "reading lips",
        lambda random: shuffled(len(usable), recipe.batch, random.rng),
        lambda chosen, random: _loss(reader, [usable[index] for index in chosen], recipe, random.rng, device),
    )
    reader.train()
    run.train(task, recipe.epochs, report)
    return reader.to(CPU).eval()


def _data(readings: Sequence[LipReading]) -> str:
    return fingerprint(part for each in readings for part in (of_lips(each.lips), each.text, str(each.tokens)))


def _loss(
    reader: PieceReader,
    readings: Sequence[LipReading],
    recipe: LipRecipe,
    rng: np.random.Generator,
    device: torch.device,
) -> Tensor:
    frames, masks = [], []
    for each in readings:
        speed = float(rng.uniform(recipe.slowest, recipe.fastest))
        varied, mask = at_speed(each.lips.varied(rng), each.lips.mask, speed)
        frames.append(varied)
        masks.append(drop_frames(mask, rng))
    lengths = [len(each) for each in frames]
    states = reader.network(stacked(frames).to(device), stacked(masks).to(device))
    pieces = ctc(reader(states), lengths, [reader.classes(each.tokens) for each in readings])
    letters = ctc(
        reader.network.character_scores(states), [STEPS * each for each in lengths], [spell(r.text) for r in readings]
    )
    return pieces + recipe.character_weight * letters


def ctc(scores: Tensor, lengths: Sequence[int], classes: Sequence[Sequence[int]]) -> Tensor:
    """CTC loss of (B, N, C) log-probabilities against classes; class 0 is the blank."""
    loss: Tensor = F.ctc_loss(
        scores.transpose(0, 1),
        torch.cat([torch.tensor(each, dtype=torch.long) for each in classes]).to(scores.device),
        torch.tensor(lengths),
        torch.tensor([len(each) for each in classes]),
        blank=BLANK,
        zero_infinity=True,
    )
    return loss
