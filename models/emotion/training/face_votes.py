"""The last cycle of training the expression encoder: what people saw, and not what photographs were found by.

FER2013's labels are the words that the photographs were searched with; ten people looked at each for FER+ and agree
with those words in 63 %. The network goes on with two heads on one embedding, one for the shares of the votes and one
for the labels. What is shipped is one layer: the mean of the two heads, weighted.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from lipstream.models.emotion.classes import EMOTIONS
from lipstream.models.emotion.face_net import EMBEDDING, ExpressionNet
from lipstream.models.emotion.looks import FACE_SIZE
from lipstream.models.emotion.training.corpora import FaceSet
from lipstream.models.emotion.training.face import HELD_OUT, SPLIT, face_logits, follow, hold_out, sgd
from lipstream.models.emotion.training.face_augment import augment
from lipstream.models.emotion.training.twins import twins
from lipstream.models.emotion.training.votes import majority, vote_targets
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.fingerprint import fingerprint
from lipstream.models.training.loop import Method, Task, TrainingRun
from lipstream.models.training.progress import ProgressReport
from lipstream.models.training.randomness import Randomness, SeededEpochs
from lipstream.models.weights import load_weights, save_weights

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class VotesRecipe:
    """How the last cycle goes.

    Attributes:
        seed: everything random follows from it.
        epochs: passes over the training images.
        batch: images a step.
        rate: learning rate that it begins with, of SGD with Nesterov momentum 0.9; it falls to zero in a line.
        weight_decay: not applied to biases and normalisation.
        smoothing: label smoothing of FER2013's labels; the votes are as smooth as they are.
        taught: how much what the network thought before counts beside those labels.
        labels: how much the loss of the labels counts beside that of the votes.
        small: side of the images in the first part, in pixels.
        growing: share of the epochs after which the images have their full size.
        average: decay per step of the moving average of the weights, which is what is kept.
        mix: weight of the head of the votes in what is kept, that of the labels being 1 less it.
    """

    seed: int = 0
    epochs: int = 7
    batch: int = 128
    rate: float = 0.04
    weight_decay: float = 5e-4
    smoothing: float = 0.1
    taught: float = 0.5
    labels: float = 0.5
    small: int = 40
    growing: float = 0.6
    average: float = 0.997
    mix: float = 0.5

    def rate_at(self, epoch: float) -> float:
        """Learning rate at a (fractional) epoch."""
        return self.rate * min(1.0, epoch + 0.05) * (self.epochs - epoch) / self.epochs

    def size(self, epoch: int) -> int:
        """Side of the training images in an epoch."""
        return self.small if epoch < self.growing * self.epochs else FACE_SIZE


class TwoHeads(nn.Module):
    """The expression encoder with a second classifier: `classify` for the votes, `labels` for the labels."""

    def __init__(self, network: ExpressionNet) -> None:
        super().__init__()
        self.network = network
        self.labels = nn.Linear(EMBEDDING, len(EMOTIONS))
        self.labels.load_state_dict(network.classify.state_dict())

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 7) logits of the votes and (B, 7) of the labels, of faces as `ExpressionNet` takes them."""
        votes, embedding = self.network(faces)
        return votes, self.labels(self.network.dropout(embedding))

    def mixed(self, share: float) -> ExpressionNet:
        """One classifier in place of two: `share` of that of the votes, the rest of that of the labels."""
        one = copy.deepcopy(self.network)
        with torch.no_grad():
            for name, tensor in one.classify.named_parameters():
                tensor.copy_(torch.lerp(self.labels.get_parameter(name), tensor, share))
        return one


class VotesTraining:
    """One run of the last cycle, resumable after every epoch.

    Args:
        recipe: how.
        faces: the training images, with votes.
        judged: images of other splits (M, 48, 48): what looks like one of them trains nothing.
        start: the weights to go on from.
        weights: the file to write; its name is that of the checkpoint, too.
        device: where.

    Attributes:
        trained_on: indices of the images that are learnt from.
    """

    def __init__(
        self, recipe: VotesRecipe, faces: FaceSet, judged: UInt8, start: Path, weights: Path, device: torch.device
    ) -> None:
        assert faces.votes is not None
        torch.manual_seed(recipe.seed)
        network = ExpressionNet().to(memory_format=torch.channels_last)
        load_weights(network, start)
        self._recipe, self._device, self._weights = recipe, device, weights
        train, held = hold_out(faces.labels, HELD_OUT, SPLIT)
        seen = np.concatenate([judged, faces.images[held]])
        self.trained_on = train[~twins(faces.images[train], seen)]
        self._images = faces.images[self.trained_on]
        self._held = FaceSet(faces.name, faces.images[held], faces.labels[held], faces.votes[held])
        labels = functional.one_hot(torch.from_numpy(faces.labels[self.trained_on]), len(EMOTIONS)).float()
        thinks = torch.from_numpy(face_logits(network.to(device), self._images)).softmax(dim=1)
        self._labels = torch.lerp(labels, thinks, recipe.taught)
        self._votes = torch.from_numpy(vote_targets(faces.votes[self.trained_on]))
        self._average: TwoHeads = copy.deepcopy(TwoHeads(network)).requires_grad_(False).to(device)
        self._network = TwoHeads(network).to(device)
        self._size = recipe.size(0)
        optimiser = sgd(self._network, recipe.rate, recipe.weight_decay)
        self._run = TrainingRun(
            Checkpoint(weights.parent, f"{weights.stem}_votes"),
            {"network": self._network, "average": self._average},
            Method(optimiser, lambda place, _: {"lr": recipe.rate_at(place.epochs_done)}, SeededEpochs(recipe.seed)),
            {
                "recipe": asdict(recipe),
                "images": len(self._images),
                "data": fingerprint((self._images, self._labels, self._votes)),
            },
        )

    def run(self, report: ProgressReport) -> TwoHeads:
        """Train and write the weights, with one classifier.

        Args:
            report: told of every step.

        Returns:
            The averaged network with both, in inference mode.

        Raises:
            ModelError: the folder of the weights holds another training, or cannot be written.
        """
        average, decay = self._average, self._recipe.average
        task = Task(
            f"{self._weights.stem} by votes",
            self._batches,
            self._loss,
            begin=self._begin,
            stepped=lambda: follow(average, self._network, decay),
            judge=self._judge,
        )
        self._network.train()
        self._run.train(task, self._recipe.epochs, report)
        facts = {"recipe": str(asdict(self._recipe))}
        facts |= {name: f"{figure:.4f}" for name, figure in self._run.history[-1].items()}
        save_weights(average.mixed(self._recipe.mix), self._weights, facts)
        average.eval()
        return average

    def _begin(self, epoch: int) -> None:
        self._size = self._recipe.size(epoch)

    def _batches(self, random: Randomness) -> list[Tensor]:
        """Indices of images, all as many; those left over are passed over."""
        order, size = torch.randperm(len(self._images), generator=random.generator), self._recipe.batch
        return [order[step * size : (step + 1) * size] for step in range(len(order) // size)]

    def _loss(self, chosen: Tensor, random: Randomness) -> Tensor:
        faces = torch.from_numpy(self._images)[chosen, None].float() / 255
        batch = augment(faces, self._size, random.generator).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16):
            by_votes, by_labels = self._network(batch.contiguous(memory_format=torch.channels_last))
        targets, wanted = self._labels[chosen].to(self._device), self._votes[chosen].to(self._device)
        voted = ~wanted[:, 0].isnan()
        labels = functional.cross_entropy(by_labels.float(), targets, label_smoothing=self._recipe.smoothing)
        votes = functional.cross_entropy(by_votes.float()[voted], wanted[voted])
        return votes + self._recipe.labels * labels

    def _judge(self) -> dict[str, float]:
        """Accuracy of what will be kept on held-out images: by label, and by the majority of the votes."""
        votes = self._held.votes
        assert votes is not None
        found = face_logits(self._average.mixed(self._recipe.mix), self._held.images).argmax(axis=1)
        most = majority(votes)
        return {
            "accuracy": float(np.mean(found == self._held.labels)),
            "of votes": float(np.mean((found == most)[most >= 0])),
        }
