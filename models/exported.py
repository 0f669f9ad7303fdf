"""Trained networks as they run: graphs that `models/training/export.py` wrote beside their weights.

What a network is defined and trained in, torch, is not needed to run it, and is not imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lipstream.models.assets.files import known_sha256
from lipstream.models.errors import ModelError
from lipstream.models.ort_session import open_session
from lipstream.models.used import note_used

WEIGHTS = "weights"
"""In a graph's metadata: the SHA-256 of each file of weights that it was made of, with commas between."""


class ExportedNetwork:
    """A network, loaded. May run in several threads at the same time.

    Args:
        path: of the graph.
        threads: processor threads.

    Raises:
        ModelError: the file is missing or unusable.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such network; reinstall, or train it again")
        self._session = open_session(path, threads)
        # weights/ of a room: the room tells what the network is for.
        room = path.parent.parent.name if path.parent.name == "weights" else path.parent.name
        note_used(f"{room}/{path.name}", known_sha256(path))
        self._wanted = [each.name for each in self._session.get_inputs()]

    def __call__(self, **given: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
        """The outputs, in their order; an input that makes no difference to the network may be given too."""
        found: list[npt.NDArray[np.float32]] = self._session.run(None, {name: given[name] for name in self._wanted})
        return found
