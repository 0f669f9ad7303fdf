"""A confusion matrix as a picture. Needs matplotlib, of the extra `train`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from lipstream.models.emotion.classes import EMOTIONS


def draw_confusion(table: Sequence[Sequence[int]], title: str, path: Path) -> None:
    """Draw (7, 7) counts, a row for each true class, as shares of the row, to a PNG."""
    counts = np.array(table)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(6, 5.4), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(EMOTIONS))
    axes.set_xticks(places, EMOTIONS, rotation=45, ha="right")
    axes.set_yticks(places, EMOTIONS)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    for row in places:
        for column in places:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{shares[row, column]:.2f}", ha="center", va="center", color=colour, fontsize=8)
    figure.savefig(path, dpi=110)
