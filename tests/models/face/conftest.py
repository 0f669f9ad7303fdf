"""The frames of the demo clip."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

TimedFrame = tuple[int, np.ndarray]


@pytest.fixture(scope="session")
def obama_frames(obama_speech: Path) -> list[TimedFrame]:
    """(timestamp in us, (240, 320, 3) RGB) of the demo clip: a speaker, and a silent man behind him on the left."""
    with av.open(str(obama_speech)) as container:
        return [
            (round(frame.pts * frame.time_base * 1_000_000), np.ascontiguousarray(frame.to_ndarray(format="rgb24")))
            for frame in container.decode(video=0)
        ]
