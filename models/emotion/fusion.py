"""Fusion at work: what the face and the voice said lately, to one result. Numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lipstream.models.emotion.branches import WEIGHTS, Evidence
from lipstream.models.emotion.classes import affect
from lipstream.models.emotion.quality import TOKEN
from lipstream.models.errors import ModelError
from lipstream.models.exported import ExportedNetwork
from lipstream.models.shared import made_of, shared

FUSION_GRAPH = "fusion.onnx"
"""The network of whichever way to fuse was chosen, as it runs."""

Float32 = npt.NDArray[np.float32]

FACE_MEMORY = 1.5
"""Seconds for which a face counts as evidence."""
VOICE_MEMORY = 2.0
"""Seconds for which a window of speech counts as evidence, from its end."""
MOST_TOKENS = 20
"""At most this many faces, and this many windows, are looked at: the latest."""


@dataclass(frozen=True, slots=True, eq=False)
class TimedEvidence:
    """Evidence and when it was seen, or when its window ended, in seconds on any clock."""

    time: float
    evidence: Evidence


@dataclass(frozen=True, slots=True, eq=False)
class EmotionResult:
    """What face and voice together show.

    Attributes:
        probabilities: (7,) float32, calibrated, in the order of `EMOTIONS`.
        valence: in [-1, 1], from the probabilities by `AFFECT`.
        arousal: in [-1, 1], likewise.
        weight_face: share of the face in the result; 0 without one. The two weights sum to 1.
        weight_voice: share of the voice.
        embedding: (320,) float32, that of the latest face and of the latest window, zeros where there is none.
    """

    probabilities: Float32
    valence: float
    arousal: float
    weight_face: float
    weight_voice: float
    embedding: Float32


def token_of(evidence: Evidence) -> Float32:
    """(TOKEN,) what fusion sees of a piece of evidence."""
    return np.concatenate([evidence.log_probabilities, evidence.quality]).astype(np.float32)


class EmotionFusion:
    """Fuses. The constructor never fails and loads nothing; `load` does the work."""

    def __init__(self, folder: Path = WEIGHTS) -> None:
        self._folder = folder
        self._network: ExportedNetwork | None = None

    def load(self) -> None:
        """Load the weights. Idempotent.

        Raises:
            ModelError: the weights are missing or unusable.
        """
        if self._network is None:
            path = self._folder / FUSION_GRAPH
            self._network = shared(("emotion fusion", made_of(path)), lambda: ExportedNetwork(path))

    def predict(
        self, faces: Sequence[TimedEvidence], voices: Sequence[TimedEvidence], now: float
    ) -> EmotionResult | None:
        """Fuse the evidence up to `now`.

        Args:
            faces: faces of one person in order of time; those older than `FACE_MEMORY` are passed over.
            voices: windows of speech in order of the time they end; older than `VOICE_MEMORY` likewise.
            now: the moment of fusion, on the same clock; nothing later is looked at.

        Returns:
            The result, None where neither face nor voice gives evidence: the emotion is unknown.

        Raises:
            ModelError: not loaded.
        """
        if self._network is None:
            raise ModelError("the emotion fusion is not loaded: call load() first")
        faces = [each for each in faces if now - FACE_MEMORY <= each.time <= now][-MOST_TOKENS:]
        voices = [each for each in voices if now - VOICE_MEMORY <= each.time <= now][-MOST_TOKENS:]
        if not faces and not voices:
            return None
        face, face_mask, face_times = _tokens(faces, now)
        voice, voice_mask, voice_times = _tokens(voices, now)
        logs, weights = self._network(
            face=face,
            voice=voice,
            face_mask=face_mask,
            voice_mask=voice_mask,
            face_times=face_times,
            voice_times=voice_times,
        )
        probabilities: Float32 = np.exp(logs[0])
        embedding = np.concatenate([_embedding(faces, 192), _embedding(voices, 128)])
        weight_face, weight_voice = (float(weight) for weight in weights[0])
        return EmotionResult(probabilities, *affect(probabilities), weight_face, weight_voice, embedding)


def _tokens(items: Sequence[TimedEvidence], now: float) -> tuple[Float32, npt.NDArray[np.bool_], Float32]:
    """One row of `MOST_TOKENS` tokens, its mask, and its times; those that are not there are masked."""
    tokens, mask = np.zeros((1, MOST_TOKENS, TOKEN), np.float32), np.zeros((1, MOST_TOKENS), np.bool_)
    times = np.zeros((1, MOST_TOKENS), np.float32)
    for index, each in enumerate(items):
        tokens[0, index], mask[0, index], times[0, index] = token_of(each.evidence), True, each.time - now
    return tokens, mask, times


def _embedding(items: Sequence[TimedEvidence], length: int) -> Float32:
    return items[-1].evidence.embedding if items else np.zeros(length, np.float32)
