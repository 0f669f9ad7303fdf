"""The last layer of the expression encoder once more: for what people saw, and not what photographs were found by.

FER2013's labels are the words that the photographs were searched with; ten people looked at each for FER+ and agree
with those words in 63 %. A second last layer learns the shares of the votes from the same embedding, and the layer that
is kept is the weighted mean of both: how much the votes count is a choice, because no face can be given two names.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from lipstream.models.emotion.classes import EMOTIONS
from lipstream.models.emotion.face_net import EMBEDDING, ExpressionNet, standardise
from lipstream.models.emotion.training.corpora import FaceSet
from lipstream.models.emotion.training.face import HELD_OUT, SPLIT, hold_out
from lipstream.models.emotion.training.twins import twins
from lipstream.models.emotion.training.votes import vote_targets

Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]

_DECAY: Final = 1e-4
"""Of the weights, beside the mean cross-entropy."""
_STEPS: Final = 80
"""Of L-BFGS; the problem is convex, so there is nothing random in it."""


def learn_votes(network: ExpressionNet, faces: FaceSet, judged: UInt8, share: float) -> Int64:
    """Have the last layer of a trained network count the votes, in place.

    Args:
        network: on the processor.
        faces: the training images, with votes.
        judged: (M, 48, 48) images of other splits. What looks like one of them, or like a held-out image, teaches
            nothing here.
        share: how much the votes count, from 0, not at all, to 1, alone.

    Returns:
        Indices of the images that were learnt from.

    Raises:
        ValueError: the faces have no votes.
    """
    if faces.votes is None:
        raise ValueError(f"{faces.name} has no votes")
    train, held = hold_out(faces.labels, HELD_OUT, SPLIT)
    alike = twins(faces.images[train], np.concatenate([judged, faces.images[held]]))
    shares = vote_targets(faces.votes)
    chosen: Int64 = train[~alike & ~np.isnan(shares[train, 0])]
    embeddings = _embeddings(network, faces.images[chosen])
    layer = _fitted(embeddings, torch.from_numpy(shares[chosen]).repeat(2, 1))
    with torch.no_grad():
        for kept, voted in zip(network.classify.parameters(), layer.parameters(), strict=True):
            kept.lerp_(voted, share)
    return chosen


def _embeddings(network: ExpressionNet, images: UInt8, batch: int = 256) -> Tensor:
    """(2 N, EMBEDDING) of (N, 48, 48) images, and after them of their mirror images."""
    network.eval()
    parts: tuple[list[Tensor], list[Tensor]] = ([], [])
    with torch.no_grad():
        for start in range(0, len(images), batch):
            looks = standardise(torch.from_numpy(images[start : start + batch])[:, None].float() / 255)
            for each, part in zip((looks, looks.flip(3)), parts, strict=True):
                part.append(network(each.contiguous(memory_format=torch.channels_last))[1])
    return torch.cat([*parts[0], *parts[1]])


def _fitted(embeddings: Tensor, targets: Tensor) -> nn.Linear:
    """The linear layer from embeddings (N, EMBEDDING) to targets (N, 7) with the least cross-entropy."""
    mean, deviation = embeddings.mean(dim=0), embeddings.std(dim=0).clamp_min(1e-3)
    inputs = (embeddings - mean) / deviation
    layer = nn.Linear(EMBEDDING, len(EMOTIONS))
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = functional.cross_entropy(layer(inputs), targets) + _DECAY * layer.weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        layer.weight.div_(deviation)
        layer.bias.sub_(layer.weight @ mean)
    return layer
