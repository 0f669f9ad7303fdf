"""Figures of merit: accuracy, unweighted average recall, calibration error."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lipstream.models.emotion.classes import EMOTIONS

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


def softmax(logits: Float32) -> Float32:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Float32 = powers / powers.sum(axis=-1, keepdims=True)
    return result


def confusion(predicted: Int64, labels: Int64) -> Int64:
    """(7, 7) counts, a row for each true class."""
    table = np.zeros((len(EMOTIONS), len(EMOTIONS)), np.int64)
    np.add.at(table, (labels, predicted), 1)
    return table


def recall_average(predicted: Int64, labels: Int64) -> float:
    """Unweighted average recall over the classes that occur."""
    table = confusion(predicted, labels)
    counts = table.sum(axis=1)
    present = counts > 0
    return float(np.mean(np.diag(table)[present] / counts[present]))


def calibration_error(probabilities: Float32, labels: Int64, bins: int = 15) -> float:
    """Expected calibration error (Guo et al., ICML 2017): |confidence - accuracy|, weighted over equal bins."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    error = 0.0
    for each in np.unique(place):
        inside = place == each
        error += inside.mean() * abs(float(confidence[inside].mean()) - float(right[inside].mean()))
    return float(error)


def negative_log_likelihood(logits: Float32, labels: Int64) -> float:
    """Mean over the samples, in nats."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(labels)), labels].mean())


def best_temperature(logits: Float32, labels: Int64) -> float:
    """The temperature with the least negative log-likelihood, from 0.25 to 4 in steps of 2 %."""
    grid = np.geomspace(0.25, 4.0, 141)
    return float(min(grid, key=lambda t: negative_log_likelihood(logits / np.float32(t), labels)))


def summary(probabilities: Float32, labels: Int64) -> dict[str, Any]:
    """Everything that is reported about one set of predictions."""
    predicted = probabilities.argmax(axis=1)
    return {
        "count": len(labels),
        "accuracy": round(float(np.mean(predicted == labels)), 4),
        "uar": round(recall_average(predicted, labels), 4),
        "ece": round(calibration_error(probabilities, labels), 4),
        "confusion": confusion(predicted, labels).tolist(),
    }
