"""The two branches at work: numpy in, numpy out, on one processor thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lipstream.models.emotion.looks import GRAPH as FACE_GRAPH
from lipstream.models.emotion.looks import STILL, FaceLooks, Look
from lipstream.models.emotion.prosody import prosody
from lipstream.models.emotion.quality import face_quality, voice_quality
from lipstream.models.emotion.voice_steps import STEP, steps_of
from lipstream.models.errors import ModelError
from lipstream.models.exported import ExportedNetwork
from lipstream.models.shared import made_of, shared

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

WEIGHTS = Path(__file__).parent / "weights"
"""Where the networks that come with the package are."""
VOICE_GRAPH = "voice.onnx"
"""The networks of all folds as they run."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one branch makes of a face, or of a window of speech.

    Attributes:
        log_probabilities: (7,) float32, in the order of `EMOTIONS`, not yet calibrated.
        embedding: (192,) float32 for a face, (128,) for a voice.
        quality: (3,) float32, how good the picture or the sound is: see `face_quality` and `voice_quality`.
    """

    log_probabilities: Float32
    embedding: Float32
    quality: Float32


class FaceExpression:
    """The expression of a face. The constructor never fails and loads nothing; `load` does the work."""

    def __init__(self, folder: Path = WEIGHTS) -> None:
        self._folder = folder
        self._networks: FaceLooks | None = None

    def load(self) -> None:
        """Load the weights. Idempotent.

        Raises:
            ModelError: the weights are missing or unusable.
        """
        if self._networks is None:
            key = ("expression", made_of(self._folder / FACE_GRAPH))
            self._networks = shared(key, lambda: FaceLooks(self._folder))

    def predict(self, crop: UInt8, shape: Float32, look: Look = STILL) -> Evidence:
        """Judge a face.

        Args:
            crop: (48, 48) uint8 gray, of `face_crop`.
            shape: (GEOMETRY,) of `geometry`, NaN if it is not known.
            look: faces are looked at in different ways in turns: see `Look.of`.

        Raises:
            ModelError: not loaded.
        """
        return self.predict_all([(crop, shape, look)])[0]

    def predict_all(self, faces: Sequence[tuple[UInt8, Float32, Look]]) -> list[Evidence]:
        """`predict` for each of some faces; those looked at in the same way go through the networks together.

        Args:
            faces: the `crop`, the `shape` and the `look` of each.

        Raises:
            ModelError: not loaded.
        """
        if self._networks is None:
            raise ModelError("the expression encoder is not loaded: call load() first")
        found: dict[int, Evidence] = {}
        for look in dict.fromkeys(look for _, _, look in faces):
            indices = [index for index, face in enumerate(faces) if face[2] == look]
            crops = np.stack([faces[index][0] for index in indices])
            logs, embeddings = self._networks.judge(crops, np.stack([faces[index][1] for index in indices]), look)
            qualities = face_quality(crops, float(look.talking))
            found |= zip(indices, map(Evidence, logs, embeddings, qualities), strict=True)
        return [found[index] for index in range(len(faces))]


class VoiceEmotion:
    """The emotion of a voice: the mean of the networks trained with each fold of actors left out.

    The constructor never fails and loads nothing; `load` does the work.
    """

    def __init__(self, folder: Path = WEIGHTS) -> None:
        self._folder = folder
        self._network: ExportedNetwork | None = None

    def load(self) -> None:
        """Load the networks. Idempotent.

        Raises:
            ModelError: they are missing or unusable.
        """
        if self._network is None:
            path = self._folder / VOICE_GRAPH
            self._network = shared(("voice", made_of(path)), lambda: ExportedNetwork(path))

    def predict(self, encoded: Float32, audio: Float32) -> Evidence:
        """Judge a window of speech.

        Args:
            encoded: (T, ENCODER) frames of inner layers of the speech encoder for the window, up to 3 s of them.
            audio: (N,) float32, 16 kHz, the sound of the same window.

        Raises:
            ModelError: not loaded.
        """
        return self.predict_all([(encoded, audio)])[0]

    def predict_all(self, windows: Sequence[tuple[Float32, Float32]]) -> list[Evidence]:
        """`predict` for each of some windows, which go through the networks together.

        Args:
            windows: the `encoded` and the `audio` of each, at least one.

        Raises:
            ModelError: not loaded.
        """
        steps = [steps_of(encoded) for encoded, _ in windows]
        sounds = [prosody(audio, STEP * len(each)) for each, (_, audio) in zip(steps, windows, strict=True)]
        return self._judge(steps, sounds)

    def predict_steps(self, encoded: Float32, sound: Float32) -> Evidence:
        """`predict` on (T, ENCODER) steps and their (STEP * T, PROSODY), where they are there already."""
        return self._judge([encoded], [sound])[0]

    def _judge(self, steps: Sequence[Float32], sounds: Sequence[Float32]) -> list[Evidence]:
        if self._network is None:
            raise ModelError("the voice branch is not loaded: call load() first")
        frames, rows = _padded(steps), _padded(sounds)
        mask = np.arange(frames.shape[1]) < np.array([[len(each)] for each in steps])
        logs, embeddings = self._network(encoded=frames, sound=rows, mask=mask)
        return [
            Evidence(log, embedding, voice_quality(sound))
            for log, embedding, sound in zip(logs, embeddings, sounds, strict=True)
        ]


def _padded(rows: Sequence[Float32]) -> Float32:
    """(B, T, C) float32 of B arrays of up to T rows."""
    longest = max(len(each) for each in rows)
    return np.stack([np.pad(each, ((0, longest - len(each)), (0, 0))) for each in rows]).astype(np.float32)
