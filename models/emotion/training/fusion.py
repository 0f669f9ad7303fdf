"""Training, calibration and comparison of the ways to fuse."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from lipstream.models.emotion.evaluation.metrics import best_temperature, calibration_error, recall_average, softmax
from lipstream.models.emotion.fusion_net import WAYS, FusionNet, masked_mean
from lipstream.models.emotion.training.export import export_fusion
from lipstream.models.emotion.training.pairs import FACE_STATES, Bank, Pairs, draw_pairs
from lipstream.models.emotion.training.voice_data import VARIANTS
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.fingerprint import fingerprint
from lipstream.models.training.loop import Method, Task, TrainingRun
from lipstream.models.training.progress import ProgressReport
from lipstream.models.training.randomness import OneStream, Randomness
from lipstream.models.training.schedule import linear_fall
from lipstream.models.weights import save_weights
from lipstream.models.whole_file import whole_file

Float32 = npt.NDArray[np.float32]

MARGIN = 0.005
"""How much UAR, on average over the rows, a way must win over a simpler one to be preferred."""

PAIRS = 3000
"""How many pairs are drawn to calibrate by, and to judge each row by."""

_WHOLE_FACE = ("clean", "talking")
_ROWS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "both clean": (_WHOLE_FACE, ("clean",)),
    "voice under 0 dB babble": (_WHOLE_FACE, ("babble",)),
    "face blurred": (("blurred",), ("clean",)),
    "face dark": (("dark",), ("clean",)),
    "face half covered": (("covered",), ("clean",)),
}
"""Rows of the report: states of the face, and of the voice."""


@dataclass(frozen=True, slots=True)
class EmotionFusionRecipe:
    """How fusion is trained.

    Attributes:
        seed: everything random follows from it.
        steps: batches of pairs.
        batch: pairs a step.
        learning_rate: of AdamW, falling linearly to zero.
        dropped: share of pairs whose face, and as often whose voice, is masked.
    """

    seed: int = 0
    steps: int = 400
    batch: int = 96
    learning_rate: float = 3e-3
    dropped: float = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Voices and faces to train on, to calibrate on, and to judge by; no actor and no image is in two of them."""

    train: tuple[Bank, Bank]
    calibrate: tuple[Bank, Bank]
    judge: tuple[Bank, Bank]


def train_way(
    way: str, split: Split, recipe: EmotionFusionRecipe, checkpoint: Checkpoint, report: ProgressReport
) -> FusionNet:
    """Train and calibrate one of `WAYS`; resumable as a whole, for it takes seconds.

    Raises:
        ModelError: the checkpoint is of another training, or cannot be written.
    """
    torch.manual_seed(recipe.seed)
    network = WAYS[way]()
    learned = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learned, recipe.learning_rate, weight_decay=0.01)
    data = fingerprint(part for bank in split.train for part in bank.parts())
    run = TrainingRun(
        checkpoint,
        {"network": network},
        Method(optimiser, linear_fall, OneStream(recipe.seed)),
        {"recipe": asdict(recipe), "way": way, "data": data},
    )

    def loss(_: int, random: Randomness) -> Tensor:
        pairs = draw_pairs(*split.train, FACE_STATES, VARIANTS, recipe.batch, random.rng)
        pairs = _drop(pairs, recipe.dropped, random.rng)
        return functional.nll_loss(_fuse(network, pairs), pairs.labels)

    network.train()
    run.train(Task(f"fusion: {way}", lambda _: range(recipe.steps), loss), 1, report)
    network.eval()
    _calibrate(network, split.calibrate, np.random.default_rng((recipe.seed, 1)))
    return network


def pairs_to_judge(banks: tuple[Bank, Bank], seed: int) -> dict[str, Pairs]:
    """The pairs of each of `_ROWS`, which are the same for every way."""
    return {
        name: draw_pairs(*banks, face_states, voice_states, PAIRS, np.random.default_rng((seed, 2)))
        for name, (face_states, voice_states) in _ROWS.items()
    }


def judge(network: FusionNet, judged: dict[str, Pairs]) -> dict[str, dict[str, float]]:
    """Figures on pairs of people never seen, one row for each of `_ROWS`, with each side alone beside them."""
    rows = {}
    for name, pairs in judged.items():
        labels = pairs.labels.numpy()
        row: dict[str, float] = {}
        for label, each in (("both", pairs), ("face", pairs.without_voice()), ("voice", pairs.without_face())):
            with torch.inference_mode():
                logs, weights = network(each.face, each.voice, each.face_mask, each.voice_mask, each.times)
            probabilities = logs.exp().numpy()
            row[label] = round(recall_average(probabilities.argmax(axis=1), labels), 4)
            row[f"{label} ece"] = round(calibration_error(probabilities, labels), 4)
            if label == "both":
                row["weight face"] = round(float(weights[:, 0].mean()), 3)
        rows[name] = row
    return rows


def choose(reports: dict[str, dict[str, dict[str, float]]]) -> str:
    """The simplest way that no other beats by `MARGIN`; `reports` begin with the simplest."""
    means = {way: float(np.mean([row["both"] for row in rows.values()])) for way, rows in reports.items()}
    chosen = next(iter(means))
    for way, mean in means.items():
        if mean > means[chosen] + MARGIN:
            chosen = way
    return chosen


def train_fusion(split: Split, recipe: EmotionFusionRecipe, out: Path, report: ProgressReport) -> dict[str, Any]:
    """Train every way, keep the one to ship, write it, and return the report.

    Raises:
        ModelError: `out` holds the beginning of another training, or cannot be written.
    """
    checkpoints = {way: Checkpoint(out, f"fusion_{way}") for way in WAYS}
    networks = {way: train_way(way, split, recipe, each, report) for way, each in checkpoints.items()}
    judged = pairs_to_judge(split.judge, recipe.seed)
    reports = {way: judge(network, judged) for way, network in networks.items()}
    # The choice must not be made on the pairs that judge it.
    inner = pairs_to_judge(split.calibrate, recipe.seed)
    chosen = choose({way: judge(network, inner) for way, network in networks.items()})
    save_weights(networks[chosen], out / "fusion.safetensors", {"way": chosen, "seed": str(recipe.seed)})
    export_fusion(out, chosen)
    with whole_file(out / "fusion.json") as partial:
        partial.write_text(json.dumps({"way": chosen}, indent=1) + "\n", encoding="utf-8")
    for each in checkpoints.values():
        each.discard()
    uncalibrated = _uncalibrated_error(judged["both clean"])
    return {"chosen": chosen, "ways": reports, "uncalibrated": uncalibrated}


def _fuse(network: FusionNet, pairs: Pairs) -> Tensor:
    logs: Tensor = network(pairs.face, pairs.voice, pairs.face_mask, pairs.voice_mask, pairs.times)[0]
    return logs


def _drop(pairs: Pairs, share: float, rng: np.random.Generator) -> Pairs:
    chance = torch.from_numpy(rng.random(len(pairs.labels)))
    face_mask = pairs.face_mask & (chance >= share)[:, None]
    voice_mask = pairs.voice_mask & (chance < 1 - share)[:, None]
    return Pairs(pairs.face, pairs.voice, face_mask, voice_mask, pairs.times, pairs.labels)


def _calibrate(network: FusionNet, banks: tuple[Bank, Bank], rng: np.random.Generator) -> None:
    """Temperatures (Guo et al., ICML 2017) of each side alone and of both, over all states."""
    pairs = draw_pairs(*banks, FACE_STATES, VARIANTS, PAIRS, rng)
    clean = draw_pairs(*banks, _WHOLE_FACE, ("clean", "varied"), PAIRS, rng)
    labels = pairs.labels.numpy()
    with torch.inference_mode():
        for side, (tokens, mask) in enumerate(((clean.face, clean.face_mask), (clean.voice, clean.voice_mask))):
            logs = masked_mean(tokens, mask)[:, :7].numpy()
            network.single[side] = 1 / best_temperature(logs, clean.labels.numpy())
        network.both.mul_(1 / best_temperature(_fuse(network, pairs).numpy(), labels))


def _uncalibrated_error(pairs: Pairs) -> dict[str, float]:
    """ECE of the branches' own probabilities, and of their plain average, before any temperature."""
    face = masked_mean(pairs.face, pairs.face_mask)[:, :7].numpy()
    voice = masked_mean(pairs.voice, pairs.voice_mask)[:, :7].numpy()
    labels = pairs.labels.numpy()
    sides = {"face": face, "voice": voice, "both": face + voice}
    return {name: round(calibration_error(softmax(logs), labels), 4) for name, logs in sides.items()}
