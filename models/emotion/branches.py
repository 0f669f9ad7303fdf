"""The two branches at work: numpy in, numpy out, on one processor thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lipstream.models.emotion.looks import (
    APPEARANCE_WEIGHTS,
    SHAPE_WEIGHTS,
    STILL,
    FaceNetworks,
    Look,
    load_face_networks,
)
from lipstream.models.emotion.prosody import prosody
from lipstream.models.emotion.quality import face_quality, voice_quality
from lipstream.models.emotion.voice_net import STEP, VoiceNet, steps_of
from lipstream.models.errors import ModelError
from lipstream.models.shared import made_of, shared
from lipstream.models.weights import load_weights

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

WEIGHTS = Path(__file__).parent / "weights"
"""Where the weights that come with the package are."""


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
        self._networks: FaceNetworks | None = None

    def load(self) -> None:
        """Load the weights. Idempotent.

        Raises:
            ModelError: the weights are missing or unusable.
        """
        if self._networks is None:
            parts = (made_of(self._folder / name) for name in (APPEARANCE_WEIGHTS, SHAPE_WEIGHTS))
            self._networks = shared(("expression", *parts), lambda: load_face_networks(self._folder))

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
        self._networks: list[VoiceNet] = []

    def load(self) -> None:
        """Load the weights. Idempotent.

        Raises:
            ModelError: the weights are missing or unusable.
        """
        if self._networks:
            return
        files = sorted(self._folder.glob("voice_seed*_fold*.safetensors"))
        if not files:
            raise ModelError(f"{self._folder}: no voice weights here; reinstall, or run `train emotion --branch voice`")
        seed = files[0].name.split("_fold")[0]  # a training folder may hold several seeds; any one is the branch
        folds = [each for each in files if each.name.startswith(f"{seed}_")]
        self._networks = [shared(("voice", made_of(each)), partial(_voice_net, each)) for each in folds]

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
        if not self._networks:
            raise ModelError("the voice branch is not loaded: call load() first")
        frames, rows = _padded(steps), _padded(sounds)
        mask = torch.arange(frames.shape[1]) < torch.tensor([[len(each)] for each in steps])
        with torch.inference_mode():
            outputs = [network(frames, rows, mask) for network in self._networks]
            logs = torch.stack([logits.log_softmax(dim=1) for logits, _ in outputs]).mean(dim=0).log_softmax(dim=1)
        embeddings = outputs[0][1].numpy()
        return [
            Evidence(log, embedding, voice_quality(sound))
            for log, embedding, sound in zip(logs.numpy(), embeddings, sounds, strict=True)
        ]


def _voice_net(path: Path) -> VoiceNet:
    network = VoiceNet()
    load_weights(network, path)
    return network


def _padded(rows: Sequence[Float32]) -> Tensor:
    """(B, T, C) float32 of B arrays of up to T rows."""
    return pad_sequence([torch.from_numpy(np.ascontiguousarray(each, np.float32)) for each in rows], batch_first=True)
