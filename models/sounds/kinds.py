"""The sounds that are told of, and how sure the network has to be of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Kind:
    """A sound that is told of.

    Attributes:
        label: what it is called.
        numbers: which of the network's kinds of sound it is made of.
        begins: from which score on it is heard, in [0, 1].
        ends: under which score it is over.
        looks: how many of four looks in a row, 0.48 s apart, have to have it.
    """

    label: str
    numbers: tuple[int, ...]
    begins: float
    ends: float
    looks: int = 2


KINDS: tuple[Kind, ...] = (
    Kind("applause", (58, 61, 62), 0.5, 0.2),
    Kind("laughter", (13, 15, 16, 17, 18), 0.6, 0.3),
    Kind("music", (132,), 0.8, 0.4, looks=4),
    Kind("alarm", (389, 392, 393, 394), 0.4, 0.2),
    Kind("doorbell", (349, 350), 0.4, 0.2, looks=1),
    Kind("phone", (384, 385), 0.5, 0.2),
    Kind("dog", (69, 70, 71, 72, 73, 75), 0.5, 0.2),
    Kind("baby crying", (20,), 0.6, 0.3),
    Kind("siren", (390, 391, 316, 317, 318, 319), 0.5, 0.2),
)
"""Numbers as in yamnet_class_map.csv, AudioSet's ontology: 62 applause, 13 laughter, 132 music, 393 smoke alarm, 349
doorbell, 384 telephone bell, 69 dog, 20 baby cry, 390 siren, and those that are kinds of them."""


def score(kind: Kind, scores: Float32) -> float:
    """How likely a sound is heard: as its likeliest kind is."""
    return float(scores[list(kind.numbers)].max())
