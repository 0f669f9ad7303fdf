"""Training of the expression encoder."""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from lipstream.models.checkpoint import Checkpoint, load_weights, save_weights
from lipstream.models.emotion.classes import EMOTIONS
from lipstream.models.emotion.face_net import FACE_SIZE, ExpressionNet, standardise
from lipstream.models.emotion.training.face_augment import augment
from lipstream.models.errors import ModelError
from lipstream.models.training.progress import ProgressReport

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
        weights: the file to write; its name is that of the checkpoint, too.
        device: where.
    """

    def __init__(self, recipe: FaceRecipe, weights: Path, device: torch.device) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.device = device
        self.network = ExpressionNet().to(memory_format=torch.channels_last).to(device)
        self.average: ExpressionNet = copy.deepcopy(self.network).requires_grad_(False)
        matrices = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.SGD(groups, recipe.learning_rate, momentum=0.9, nesterov=True)
        self.checkpoint = Checkpoint(weights.parent, f"{weights.stem}_checkpoint")
        self.weights = weights
        self.teacher = weights.with_name(f"{weights.stem}_teacher.safetensors")
        self.history: list[dict[str, float]] = []

    def resume(self, images: int) -> int:
        """Take up a checkpoint in the output folder; the epoch to go on with.

        Raises:
            ModelError: it is of another recipe, or of another number of images.
        """
        facts = self.checkpoint.load({"network": self.network, "average": self.average}, self.optimiser)
        if facts is None:
            return 0
        if facts["recipe"] != asdict(self.recipe) or facts["images"] != images:
            raise ModelError(
                f"{self.weights.parent} holds the beginning of another training ({_described(facts)}), not of this one "
                f"({_described(self._facts(images))}); choose another --out, or delete {self.checkpoint.name}.*"
            )
        self.history = facts["history"]
        return len(self.history)

    def _facts(self, images: int) -> dict[str, Any]:
        return {"recipe": asdict(self.recipe), "images": images, "history": self.history}

    def run(self, images: UInt8, labels: Int64, report: ProgressReport) -> ExpressionNet:
        """Train and write the weights.

        Args:
            images: (N, 48, 48) uint8 gray.
            labels: (N,) class indices.
            report: told of every step.

        Returns:
            The averaged network, in inference mode.
        """
        train, valid = hold_out(labels, HELD_OUT, SPLIT)
        faces = torch.from_numpy(images[train])[:, None]
        targets = functional.one_hot(torch.from_numpy(labels[train]), len(EMOTIONS)).float()
        begin = self.resume(len(images))
        if begin > self.recipe.first:
            targets = self._taught(targets, images[train])
        for epoch in range(begin, self.recipe.epochs):
            if epoch == self.recipe.first:
                self._begin_again()
                targets = self._taught(targets, images[train])
            loss = self._epoch(epoch, faces, targets, report)
            accuracy = float(np.mean(face_logits(self.average, images[valid]).argmax(1) == labels[valid]))
            self.history.append({"loss": loss, "accuracy": accuracy})
            networks: dict[str, nn.Module] = {"network": self.network, "average": self.average}
            self.checkpoint.save(networks, self.optimiser, self._facts(len(images)))
        final = {"recipe": str(asdict(self.recipe)), "accuracy": f"{self.history[-1]['accuracy']:.4f}"}
        save_weights(self.average, self.weights, final)
        self.average.eval()
        return self.average

    def _begin_again(self) -> None:
        """Keep the network of the first cycle as the teacher, and begin the second from it."""
        save_weights(self.average, self.teacher, {"recipe": str(asdict(self.recipe))})
        self.network.load_state_dict(self.average.state_dict())
        self.optimiser.state.clear()

    def _taught(self, targets: Tensor, images: UInt8) -> Tensor:
        """Targets (N, 7) mixed with the teacher's probabilities of the plain images."""
        teacher = ExpressionNet().to(memory_format=torch.channels_last)
        load_weights(teacher, self.teacher)
        thinks = torch.from_numpy(face_logits(teacher.to(self.device), images)).softmax(dim=1)
        return torch.lerp(targets, thinks, self.recipe.taught)

    def _epoch(self, epoch: int, faces: Tensor, targets: Tensor, report: ProgressReport) -> float:
        recipe = self.recipe
        generator = torch.Generator().manual_seed(recipe.seed * 100_003 + epoch)
        torch.manual_seed(recipe.seed * 100_003 + epoch)  # dropout; a resumed run must draw the same numbers
        order = torch.randperm(len(faces), generator=generator)
        steps = len(faces) // recipe.batch
        seen = torch.zeros(())
        last = f"accuracy {self.history[-1]['accuracy']:.3f}" if self.history else ""
        self.network.train()
        for step in range(steps):
            chosen = order[step * recipe.batch : (step + 1) * recipe.batch]
            batch = augment(faces[chosen].float() / 255, recipe.size(epoch), generator)
            for group in self.optimiser.param_groups:
                group["lr"] = recipe.rate(epoch + step / steps)
            loss = self._step(batch.to(self.device), targets[chosen].to(self.device))
            seen += loss.cpu()
            report(f"{self.weights.stem}: epoch {epoch + 1}", step + 1, steps, last)
        return float(seen) / max(1, steps)

    def _step(self, batch: Tensor, targets: Tensor) -> Tensor:
        batch = batch.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self.network(batch)[0]
        loss = functional.cross_entropy(logits.float(), targets, label_smoothing=self.recipe.smoothing)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        _follow(self.average, self.network, self.recipe.average)
        return loss.detach()


def _described(facts: dict[str, Any]) -> str:
    recipe = facts["recipe"]
    return f"{recipe['epochs']} epochs, seed {recipe['seed']}, {facts['images']} images"


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged weights a step towards the network's; counters and statistics alike."""
    for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)
