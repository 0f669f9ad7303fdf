"""The space in which voices are compared: centred, and alike in all directions within a person.

Within-class covariance normalisation (Hatch et al. 2006, "Within-class covariance normalization for SVM-based speaker
recognition"), with a share of the identity, for there are fewer people than directions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
SHARE = 0.5
"""Of the mean variance, added to that of each direction."""


def fit(vectors: npt.NDArray[np.float32], speakers: Sequence[str]) -> tuple[Float64, Float64]:
    """Mean, and the matrix behind which one person's vectors differ alike in all directions.

    Args:
        vectors: (N, D) of windows of speech.
        speakers: N, who says each.

    Returns:
        (D,) and (D, D): a vector v becomes (v - mean) @ turn.
    """
    all_of = vectors.astype(np.float64)
    of = np.asarray(speakers)
    apart = [group - group.mean(axis=0) for name in sorted(set(speakers)) if len(group := all_of[of == name]) > 1]
    within = np.concatenate(apart)
    spread = within.T @ within / len(within)
    spread += SHARE * np.trace(spread) / len(spread) * np.eye(len(spread))
    turn: Float64 = np.linalg.inv(np.linalg.cholesky(spread)).T
    # The scale falls away in the end; about 1, half precision loses least.
    return all_of.mean(axis=0), turn * np.sqrt(np.trace(spread) / len(spread))
