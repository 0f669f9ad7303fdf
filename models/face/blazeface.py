"""Decoding of the BlazeFace detectors: anchors, boxes, blended non-maximum suppression.

BlazeFace: Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", arXiv:1907.05047.
The numbers are those MediaPipe configures for face_detector.tflite (mediapipe/tasks/cc/vision/face_detector), and for
face_detection_full_range.tflite
(mediapipe/modules/face_detection/face_detection_full_range.pbtxt).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

INPUT_SIZE = 128
FULL_RANGE_INPUT_SIZE = 192
SUPPRESSION_IOU = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One detected face. Coordinates are fractions of the detector's square input.

    Attributes:
        box: (4,) float32, x0, y0, x1, y1.
        keypoints: (6, 2) float32: right eye, left eye, nose tip, mouth, right and left ear, as the subject has them.
        score: in [0, 1].
    """

    box: Float32
    keypoints: Float32
    score: float


def anchors() -> Float32:
    """(896, 2) float32 anchor centres: 2 at each cell of the 16 x 16 map, then 6 at each cell of the 8 x 8 map."""
    centres = []
    for cells, per_cell in ((16, 2), (8, 6)):
        axis = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        y, x = np.meshgrid(axis, axis, indexing="ij")
        centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0))
    return np.concatenate(centres)


def full_range_anchors() -> Float32:
    """(2304, 2) float32 anchor centres: 1 at each cell of a 48 x 48 map."""
    axis = (np.arange(48, dtype=np.float32) + 0.5) / 48
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1)


def decode(
    regressors: Float32, logits: Float32, anchor_centres: Float32, min_score: float, size: int = INPUT_SIZE
) -> list[Detection]:
    """Turn the network's output into faces, best first, one detection a face.

    Args:
        regressors: (N, 16) float32: centre x, centre y, width, height, then 6 points, in input pixels, all positions
            relative to the anchor.
        logits: (N,) float32 scores before the sigmoid.
        anchor_centres: (N, 2) from `anchors` or `full_range_anchors`.
        min_score: in [0, 1]; less likely boxes are dropped.
        size: side of the input in pixels.
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0)))  # exp of more overflows a float32
    kept = np.flatnonzero(scores >= min_score)
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    points = regressors[kept].reshape(-1, 8, 2) / size
    half_sides = points[:, 1] / 2
    # A row of `table`: x0, y0, x1, y1 and then the 6 points, all as fractions of the input.
    table = points + anchor_centres[kept][:, None]
    centres = table[:, 0].copy()
    table[:, 0] = centres - half_sides
    table[:, 1] = centres + half_sides
    return _blend(table.reshape(-1, 16).astype(np.float32), scores[kept])


def iou(boxes: Float32, box: Float32) -> Float32:
    """Intersection over union of (N, 4) boxes x0, y0, x1, y1 with one (4,) box: (N,) in [0, 1]."""
    overlap = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    intersection = np.prod(np.maximum(overlap, 0), axis=1)
    union = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2]) - intersection
    ratio: Float32 = np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)
    return ratio


def _blend(table: Float32, scores: npt.NDArray[np.floating]) -> list[Detection]:
    """Average each cluster of overlapping boxes by score instead of keeping its best: less jitter (BlazeFace, 3.3)."""
    detections = []
    while len(scores):
        cluster = iou(table[:, :4], table[0, :4]) > SUPPRESSION_IOU
        cluster[0] = True
        row = np.average(table[cluster], axis=0, weights=scores[cluster]).astype(np.float32)
        detections.append(Detection(row[:4], row[4:].reshape(6, 2), float(scores[0])))
        table, scores = table[~cluster], scores[~cluster]
    return detections
