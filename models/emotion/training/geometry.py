"""Training of the look at the shape of a face, and how much it counts beside the look at its appearance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from lipstream.models.emotion.geometry_net import GeometryNet, blended
from lipstream.models.emotion.looks import SHAPE_WEIGHTS
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.fingerprint import fingerprint
from lipstream.models.training.loop import Method, Task, TrainingRun
from lipstream.models.training.progress import ProgressReport
from lipstream.models.training.randomness import OneStream, Randomness
from lipstream.models.training.schedule import one_cycle
from lipstream.models.weights import load_weights, save_weights

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GeometryRecipe:
    """How the geometry network is trained.

    Attributes:
        seed: everything random follows from it.
        epochs: passes over the faces.
        batch: faces a step.
        learning_rate: peak of one cycle, AdamW.
        weight_decay: of AdamW.
        smoothing: label smoothing.
        components: principal components that are learned from, each of deviation 1.
        noise: deviation of the noise added to every component.
        hidden: share of the faces whose mouth is hidden.
    """

    seed: int = 0
    epochs: int = 40
    batch: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    smoothing: float = 0.1
    components: int = 512
    noise: float = 0.2
    hidden: float = 0.15


def shape_log_probabilities(network: GeometryNet, shapes: Float32) -> Float32:
    """(N, 7) log-probabilities of (N, GEOMETRY), averaged with the mirror image's; NaN where the shape is NaN."""
    given = torch.from_numpy(shapes)
    with torch.inference_mode():
        logits = network(network.standardise(given)) + network(network.standardise(network.mirror(given)))
    result: Float32 = (logits / 2).log_softmax(dim=1).numpy()
    return result


def train_geometry(
    shapes: Float32, labels: Int64, train: Int64, recipe: GeometryRecipe, out: Path, report: ProgressReport
) -> GeometryNet:
    """Train on the faces with the given indices that have a shape, and write the weights; resumable.

    Whose face it is and how it is turned make most of the variance; expressions make little. So the network learns from
    whitened principal components, and the rotation is folded into its first layer in the end.

    Args:
        shapes: (N, GEOMETRY), NaN where no face was seen.
        labels: (N,) class indices.
        train: indices to train on.
        recipe: how.
        out: folder for the weights and the checkpoint.
        report: told of every step.

    Raises:
        ModelError: `out` holds the beginning of another training, or cannot be written.
    """
    torch.manual_seed(recipe.seed)
    seen = train[~np.isnan(shapes[train, 0])]
    given, targets = torch.from_numpy(shapes[seen]), torch.from_numpy(labels[seen])
    network, weights = GeometryNet(), out / SHAPE_WEIGHTS
    checkpoint = Checkpoint(out, weights.stem)
    if len(seen):
        _fit(network, given, targets, recipe, checkpoint, report)
    save_weights(network, weights, {"recipe": str(asdict(recipe))})
    checkpoint.discard()
    load_weights(network, weights)
    return network


def _fit(
    network: GeometryNet,
    given: Tensor,
    targets: Tensor,
    recipe: GeometryRecipe,
    checkpoint: Checkpoint,
    report: ProgressReport,
) -> None:
    network.fit_scale(given)
    whiten = _whitening(network.standardise(given), recipe.components)
    enter = nn.Linear(whiten.shape[1], network.enter.out_features)
    versions = _versions(network, given, whiten)
    learned = [*enter.parameters(), *network.rest.parameters()]
    optimiser = torch.optim.AdamW(learned, recipe.learning_rate, weight_decay=recipe.weight_decay)
    run = TrainingRun(
        checkpoint,
        {"network": network, "enter": enter},
        Method(optimiser, one_cycle, OneStream(recipe.seed)),
        {"recipe": asdict(recipe), "faces": len(given), "data": fingerprint((given, targets))},
    )

    def batches(random: Randomness) -> tuple[Tensor, ...]:
        return torch.randperm(len(given), generator=random.generator).tensor_split(-(-len(given) // recipe.batch))

    def loss(chosen: Tensor, random: Randomness) -> Tensor:
        parts = _draw(versions, chosen, recipe, random.generator)
        logits = network.rest(enter(functional.dropout(parts, 0.1)))
        return functional.cross_entropy(logits, targets[chosen], label_smoothing=recipe.smoothing)

    network.train()
    run.train(Task("geometry", batches, loss), recipe.epochs, report)
    with torch.no_grad():
        network.enter.weight.copy_(enter.weight @ whiten.T)
        network.enter.bias.copy_(enter.bias)


def fit_blend(network: GeometryNet, appearance: Float32, shape: Float32, labels: Int64) -> None:
    """Set how much each look counts: the two exponents with the least negative log-likelihood on held-out faces.

    Args:
        network: whose `blend` is set.
        appearance: (N, 7) log-probabilities of the expression encoder.
        shape: (N, 7) log-probabilities of the geometry, NaN where there is none; those faces are passed over, and if
            there are no others the geometry does not count.
        labels: (N,) class indices.
    """
    seen = ~np.isnan(shape[:, 0])
    if not seen.any():
        network.blend.copy_(torch.tensor([1.0, 0.0]))
        return
    targets = torch.from_numpy(labels[seen])
    looks = torch.from_numpy(appearance[seen]), torch.from_numpy(shape[seen])
    best = np.inf
    for first in np.linspace(0, 2, 41):
        for second in np.linspace(0, 2, 41):
            network.blend.copy_(torch.tensor([first, second]))
            loss = float(functional.nll_loss(blended(network, *looks), targets))
            if loss < best:
                best, chosen = loss, network.blend.clone()
    network.blend.copy_(chosen)


def _whitening(shapes: Tensor, components: int) -> Tensor:
    """(GEOMETRY, components) from standardised shapes to their largest principal components, each of deviation 1."""
    variances, directions = torch.linalg.eigh(shapes.T @ shapes / len(shapes))
    whiten: Tensor = directions[:, -components:] / variances[-components:].clamp_min(1e-4).sqrt()
    return whiten


def _versions(network: GeometryNet, shapes: Tensor, whiten: Tensor) -> Tensor:
    """(4, N, components): the faces, their mirror images, and both without a mouth."""
    both = [network.standardise(shapes), network.standardise(network.mirror(shapes))]
    return torch.stack([each @ whiten for each in (*both, *(network.hide_mouth(b) for b in both))])


def _draw(versions: Tensor, chosen: Tensor, recipe: GeometryRecipe, generator: torch.Generator) -> Tensor:
    """A batch of faces, half of them mirrored, some without a mouth, all with noise."""
    mirrored = torch.rand(len(chosen), generator=generator) < 0.5
    hidden = torch.rand(len(chosen), generator=generator) < recipe.hidden
    parts = versions[mirrored.long() + 2 * hidden.long(), chosen]
    return parts + torch.randn(parts.shape, generator=generator) * recipe.noise
