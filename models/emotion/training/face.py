"""Training of the expression encoder."""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from lipstream.models.emotion.classes import EMOTIONS
from lipstream.models.emotion.face_net import ExpressionNet, standardise
from lipstream.models.emotion.looks import FACE_SIZE
from lipstream.models.emotion.training.face_augment import augment
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.fingerprint import fingerprint
from lipstream.models.training.loop import Method, Task, TrainingRun
from lipstream.models.training.progress import ProgressReport
from lipstream.models.training.randomness import Randomness, SeededEpochs
from lipstream.models.weights import load_weights, save_weights

UInt8 = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

HELD_OUT = 0.05
"""Share of the training images that is kept for validation, and then for fusion."""

SPLIT = 0
"""Seed of that choice, the same for every network: what one has never seen, none has."""


@dataclass(frozen=True, slots=True)
class FaceRecipe:
    """How the expression encoder is trained: in two cycles.

    In the first, the learning rate warms up, stays, and falls to zero over the last `decay` of the epochs. While it
    stays the images are small, which saves half of the work; they have their full size while it falls. The second
    begins from the averaged weights of the first (a warm restart, Loshchilov & Hutter, ICLR 2017), its rate falls all
    the way, and it learns half from the labels and half from what the network of the first cycle thinks of the plain
    images (born-again networks, Furlanello et al., ICML 2018): one label in three of FER2013 is in dispute.

    Attributes:
        seed: everything random follows from it.
        epochs: passes over the training images, in both cycles.
        batch: images a step.
        learning_rate: of SGD with Nesterov momentum 0.9, in the first cycle.
        weight_decay: not applied to biases and normalisation.
        smoothing: label smoothing; the labels of FER2013 are noisy.
        decay: share of the epochs of the first cycle in which the learning rate falls.
        small: side of the images in the first part of the first cycle, in pixels.
        second: share of the epochs that makes the second cycle.
        second_rate: learning rate that the second cycle begins with.
        taught: how much the first network counts beside the labels in the second cycle.
        average: decay per step of the moving average of the weights, which is what is kept.
    """

    seed: int = 0
    epochs: int = 105
    batch: int = 128
    learning_rate: float = 0.1
    weight_decay: float = 5e-4
    smoothing: float = 0.1
    decay: float = 0.4
    small: int = 32
    second: float = 3 / 7
    second_rate: float = 0.06
    taught: float = 0.5
    average: float = 0.997

    @property
    def first(self) -> int:
        """Epochs of the first cycle."""
        return round(self.epochs * (1 - self.second))

    def rate(self, epoch: float) -> float:
        """Learning rate at a (fractional) epoch."""
        if epoch < self.first:
            warm = min(1.0, epoch + 0.05)
            left = (self.first - epoch) / (self.first * self.decay)
            return self.learning_rate * min(warm, left, 1.0)
        warm = min(1.0, epoch - self.first + 0.05)
        return self.second_rate * warm * (self.epochs - epoch) / (self.epochs - self.first)

    def size(self, epoch: int) -> int:
        """Side of the training images in an epoch."""
        return self.small if epoch < math.floor(self.first * (1 - self.decay)) else FACE_SIZE


def face_logits(network: ExpressionNet, images: UInt8, batch: int = 256) -> Float32:
    """Logits (N, 7) of (N, 48, 48) images, averaged over the image and its mirror image."""
    device = next(network.parameters()).device
    network.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            faces = standardise(torch.from_numpy(images[start : start + batch])[:, None].float().to(device) / 255)
            parts.append((network(faces)[0] + network(faces.flip(3))[0]).cpu() / 2)
    logits: Float32 = torch.cat(parts).numpy()
    return logits


def hold_out(labels: Int64, share: float, seed: int) -> tuple[Int64, Int64]:
    """Indices to train on and indices to validate on, the classes in equal shares."""
    rng = np.random.default_rng(seed)
    held = [rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    valid = np.sort(np.concatenate([h[: max(1, round(len(h) * share))] for h in held]))
    return np.setdiff1d(np.arange(len(labels)), valid), valid


class FaceTraining:
    """One run of training, resumable after every epoch.

    Args:
        recipe: how.
        images: (N, 48, 48) uint8 gray.
        labels: (N,) class indices.
        weights: the file to write; its name is that of the checkpoint, too.
        device: where.
    """

    def __init__(self, recipe: FaceRecipe, images: UInt8, labels: Int64, weights: Path, device: torch.device) -> None:
        torch.manual_seed(recipe.seed)
        self._recipe = recipe
        self._device = device
        self._weights = weights
        network = ExpressionNet().to(memory_format=torch.channels_last)
        self._average: ExpressionNet = copy.deepcopy(network).requires_grad_(False).to(device)
        self._network = network.to(device)
        train, held = hold_out(labels, HELD_OUT, SPLIT)
        self._images, self._held = images[train], (images[held], labels[held])
        self._targets = functional.one_hot(torch.from_numpy(labels[train]), len(EMOTIONS)).float()
        self._taught = False
        self._size = recipe.size(0)
        self._run = TrainingRun(
            Checkpoint(weights.parent, weights.stem),
            {"network": self._network, "average": self._average},
            Method(self._sgd(), lambda place, _: {"lr": recipe.rate(place.epochs_done)}, SeededEpochs(recipe.seed)),
            {"recipe": asdict(recipe), "images": len(images), "data": fingerprint((images, labels))},
        )

    def run(self, report: ProgressReport) -> ExpressionNet:
        """Train and write the weights.

        Args:
            report: told of every step.

        Returns:
            The averaged network, in inference mode.

        Raises:
            ModelError: the folder of the weights holds another training, or cannot be written.
        """
        average, decay = self._average, self._recipe.average
        task = Task(
            self._weights.stem,
            self._batches,
            self._loss,
            begin=self._begin,
            stepped=lambda: _follow(average, self._network, decay),
            judge=self._judge,
        )
        self._network.train()
        self._run.train(task, self._recipe.epochs, report)
        facts = {"recipe": str(asdict(self._recipe)), "accuracy": f"{self._run.history[-1]['accuracy']:.4f}"}
        save_weights(average, self._weights, facts)
        average.eval()
        return average

    def _sgd(self) -> torch.optim.SGD:
        recipe, parameters = self._recipe, list(self._network.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.SGD(groups, recipe.learning_rate, momentum=0.9, nesterov=True)

    def _begin(self, epoch: int) -> None:
        """Begin an epoch; the second cycle begins from the averaged weights of the first, which are the teacher's."""
        teacher = self._weights.with_name(f"{self._weights.stem}_teacher.safetensors")
        if epoch == self._recipe.first:
            save_weights(self._average, teacher, {"recipe": str(asdict(self._recipe))})
            self._network.load_state_dict(self._average.state_dict())
            self._run.restart()
        if epoch >= self._recipe.first and not self._taught:
            self._learn_from(teacher)
        self._size = self._recipe.size(epoch)

    def _learn_from(self, weights: Path) -> None:
        """Mix the targets (N, 7) with a teacher's probabilities of the plain images."""
        teacher = ExpressionNet().to(memory_format=torch.channels_last)
        load_weights(teacher, weights)
        thinks = torch.from_numpy(face_logits(teacher.to(self._device), self._images)).softmax(dim=1)
        self._targets = torch.lerp(self._targets, thinks, self._recipe.taught)
        self._taught = True

    def _batches(self, random: Randomness) -> list[Tensor]:
        """Indices of images, all as many; those left over are passed over."""
        order, size = torch.randperm(len(self._images), generator=random.generator), self._recipe.batch
        return [order[step * size : (step + 1) * size] for step in range(len(order) // size)]

    def _loss(self, chosen: Tensor, random: Randomness) -> Tensor:
        faces = torch.from_numpy(self._images)[chosen, None].float() / 255
        batch = augment(faces, self._size, random.generator).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16):
            logits = self._network(batch.contiguous(memory_format=torch.channels_last))[0]
        targets = self._targets[chosen].to(self._device)
        return functional.cross_entropy(logits.float(), targets, label_smoothing=self._recipe.smoothing)

    def _judge(self) -> dict[str, float]:
        images, labels = self._held
        return {"accuracy": float(np.mean(face_logits(self._average, images).argmax(axis=1) == labels))}


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged weights a step towards the network's; counters and statistics alike."""
    for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)
