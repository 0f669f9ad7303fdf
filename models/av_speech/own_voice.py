"""Whose voice is heard, at work: numpy in, numpy out, on one processor thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from models.av_speech.lip_fusion import lip_frames
from models.av_speech.own_voice_data import sound_frames
from models.av_speech.own_voice_net import OwnVoiceNet, centred
from models.av_speech.recording import Float32
from models.checkpoint import load_weights
from models.errors import ModelError
from models.fusion import LipSample
from models.speech.engine import Encoding


class OwnVoice:
    """Tells whether the visible mouth is the voice that is heard.

    The constructor never fails and loads nothing; `load` does the work.

    Args:
        weights: of `train speech`.
    """

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._network: OwnVoiceNet | None = None
        self._pools = ThreadpoolController()

    def load(self) -> None:
        """Load the weights. Idempotent.

        Raises:
            ModelError: they are missing or unusable.
        """
        if self._network is None:
            network = OwnVoiceNet()
            load_weights(network, self._weights)
            self._network = network

    def judge(self, encoding: Encoding, lips: Sequence[LipSample]) -> Float32:
        """Judge every lip frame.

        Args:
            encoding: of the sound, with inner layers and levels.
            lips: lip frames on the 25 Hz grid, in order of time.

        Returns:
            (L,) probability that the mouth of each frame is the voice heard then; NaN where no mouth is seen.

        Raises:
            ModelError: `load` was not called, or the recogniser gives no inner layers.
        """
        if self._network is None:
            raise ModelError("own voice is not loaded: call load() first")
        if not lips:
            return np.zeros(0, np.float32)
        # OpenMP's limit holds for the calling thread alone; see `models.speech.alignment`.
        with self._pools.limit(limits=1, user_api="openmp"), torch.inference_mode():
            frames, mask = lip_frames(lips)
            times = torch.tensor([sample.time for sample in lips], dtype=torch.float32)
            scores = self._network(centred(frames, mask)[None], mask[None], sound_frames(encoding, times)[None])
            found: Float32 = torch.where(mask, scores[0].sigmoid(), torch.nan).numpy()
        return found
