"""Training of the voice branch, one network a fold of left-out actors; the folds together are the shipped branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from lipstream.models.emotion.prosody import PROSODY
from lipstream.models.emotion.training.voice_data import VARIANTS, VoiceFeatures
from lipstream.models.emotion.voice_net import VoiceNet
from lipstream.models.emotion.voice_steps import ENCODER, STEP
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.fingerprint import fingerprint
from lipstream.models.training.loop import Method, Task, TrainingRun
from lipstream.models.training.progress import ProgressReport
from lipstream.models.training.randomness import OneStream, Randomness
from lipstream.models.training.schedule import one_cycle
from lipstream.models.weights import load_weights, save_weights

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

WINDOW = 31
"""Steps in a window: 3 s."""
HOP = 5
"""Steps between windows: 0.5 s."""


@dataclass(frozen=True, slots=True)
class VoiceRecipe:
    """How the voice branch is trained.

    Attributes:
        seed: everything random follows from it.
        epochs: passes over the clips.
        batch: clips a step.
        learning_rate: peak of one cycle, AdamW.
        smoothing: label smoothing.
        shares: how often each of `VARIANTS` is drawn.
    """

    seed: int = 0
    epochs: int = 24
    batch: int = 48
    learning_rate: float = 2e-3
    smoothing: float = 0.1
    shares: tuple[float, ...] = (0.5, 0.2, 0.3)


Batch = tuple[Tensor, Tensor, Tensor]


def stack(windows: Sequence[tuple[VoiceFeatures, int, int]]) -> Batch:
    """Windows (features, first step, end) as padded encoder steps, prosody and mask."""
    longest = max(end - start for _, start, end in windows)
    encoded = np.zeros((len(windows), longest, ENCODER), np.float32)
    sound = np.zeros((len(windows), STEP * longest, PROSODY), np.float32)
    mask = np.zeros((len(windows), longest), np.bool_)
    for row, (features, start, end) in enumerate(windows):
        encoded[row, : end - start] = features.encoded[start:end]
        sound[row, : STEP * (end - start)] = features.sound[STEP * start : STEP * end]
        mask[row, : end - start] = True
    return torch.from_numpy(encoded), torch.from_numpy(sound), torch.from_numpy(mask)


def random_window(features: VoiceFeatures, rng: np.random.Generator) -> tuple[VoiceFeatures, int, int]:
    """A window of 0.8 to 3 s somewhere on the speech, as a live window might hold it."""
    length = min(WINDOW, int(rng.integers(8, 38)), len(features.encoded))
    slack = max(1, features.end - features.start - length)
    start = int(np.clip(features.start + rng.integers(-3, slack + 3), 0, len(features.encoded) - length))
    return features, start, start + length


def speech_windows(features: VoiceFeatures) -> list[tuple[VoiceFeatures, int, int]]:
    """The live windows over the speech of a clip: 3 s every 0.5 s."""
    starts = range(features.start, max(features.start + 1, features.end - WINDOW + HOP), HOP)
    return [(features, start, min(len(features.encoded), start + WINDOW)) for start in starts]


def clip_logits(network: VoiceNet, clips: Sequence[VoiceFeatures]) -> Float32:
    """(N, 7) log-probabilities of clips: the mean over the windows of each."""
    network.eval()
    rows = []
    with torch.inference_mode():
        for first in range(0, len(clips), 32):
            windows = [speech_windows(clip) for clip in clips[first : first + 32]]
            logits = network(*stack([w for each in windows for w in each]))[0].log_softmax(dim=1)
            rows += [part.mean(dim=0) for part in logits.split([len(each) for each in windows])]
    result: Float32 = torch.stack(rows).numpy()
    return result


@dataclass(frozen=True, slots=True, eq=False)
class LabelledVoices:
    """What the voice branch learns from: N clips.

    Attributes:
        features: of every clip, by variant.
        labels: (N,) class indices.
        folds: (N,) the fold that each is left out with.
    """

    features: dict[str, list[VoiceFeatures]]
    labels: Int64
    folds: Int64

    def digest(self) -> str:
        """Tells them from others."""
        clips = (clip for variant in sorted(self.features) for clip in self.features[variant])
        arrays = (array for clip in clips for array in (clip.encoded, clip.sound, np.array([clip.start, clip.end])))
        return fingerprint(chain((self.labels, self.folds), arrays))


def fold_weights(folder: Path, seed: int, fold: int) -> Path:
    """Where the weights of the network are that never heard the actors of a fold."""
    return folder / f"voice_seed{seed}_fold{fold}.safetensors"


def train_folds(
    voices: LabelledVoices, recipe: VoiceRecipe, out: Path, report: ProgressReport
) -> tuple[list[VoiceNet], dict[str, Float32]]:
    """Train a network for every fold left out; a fold whose weights are in `out` is not trained again.

    A run that is stopped goes on within the fold that it was in, after the last whole epoch.

    Returns:
        The networks, and per variant the (N, 7) log-probabilities of every clip by the network that never heard its
        actor.

    Raises:
        ModelError: `out` holds the beginning of another training, or cannot be written.
    """
    networks = []
    unseen = {variant: np.zeros((len(voices.labels), 7), np.float32) for variant in voices.features}
    for fold in np.unique(voices.folds).tolist():
        path = fold_weights(out, recipe.seed, fold)
        left_out = np.flatnonzero(voices.folds == fold)
        if not path.exists():
            # Of another name than the weights, which are found by theirs.
            checkpoint = Checkpoint(out, f"voice_{recipe.seed}_{fold}")
            network = _train_fold(voices, fold, recipe, checkpoint, report)
            save_weights(network, path, {"recipe": str(asdict(recipe)), "fold": str(fold)})
            checkpoint.discard()
        network = VoiceNet()
        load_weights(network, path)
        for variant, clips in voices.features.items():
            unseen[variant][left_out] = clip_logits(network, [clips[i] for i in left_out])
        networks.append(network)
    return networks, unseen


def _train_fold(
    voices: LabelledVoices, fold: int, recipe: VoiceRecipe, checkpoint: Checkpoint, report: ProgressReport
) -> VoiceNet:
    """Train one network on the clips of the other folds."""
    train, features = np.flatnonzero(voices.folds != fold), voices.features
    torch.manual_seed(recipe.seed)
    network = VoiceNet()
    network.word_norm.fit(torch.from_numpy(np.concatenate([features["clean"][i].encoded for i in train])).float())
    optimiser = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=0.05)
    run = TrainingRun(
        checkpoint,
        {"network": network},
        Method(optimiser, one_cycle, OneStream(recipe.seed)),
        {"recipe": asdict(recipe), "fold": fold, "clips": len(train), "data": voices.digest()},
    )
    counts = np.bincount(voices.labels[train], minlength=7)
    weights = torch.tensor(counts.mean() / np.maximum(counts, 1), dtype=torch.float32)

    def batches(random: Randomness) -> list[Int64]:
        return np.array_split(random.rng.permutation(train), len(train) // min(recipe.batch, len(train)))

    def loss(chosen: Int64, random: Randomness) -> Tensor:
        rng = random.rng
        variants = rng.choice(len(VARIANTS), len(chosen), p=recipe.shares)
        windows = [random_window(features[VARIANTS[v]][i], rng) for i, v in zip(chosen, variants, strict=True)]
        encoded, sound, mask = stack(windows)
        logits = network(encoded, _hide_bands(sound, rng), mask)[0]
        targets = torch.from_numpy(voices.labels[chosen])
        return functional.cross_entropy(logits, targets, weights, label_smoothing=recipe.smoothing)

    network.train()
    run.train(Task(f"voice: seed {recipe.seed} fold {fold + 1}", batches, loss), recipe.epochs, report)
    return network


def _hide_bands(sound: Tensor, rng: np.random.Generator) -> Tensor:
    """SpecAugment (Park et al., Interspeech 2019): up to eight bands of half of the windows are painted over."""
    for row in sound:
        if rng.random() < 0.5:
            first = int(rng.integers(0, 36))
            row[:, first : first + int(rng.integers(1, 9))].clamp_(max=-2)
    return sound
