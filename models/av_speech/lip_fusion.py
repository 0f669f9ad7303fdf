"""Lips in the transcript: the fusion that a profile makes possible."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]
from torch import Tensor

from models.av_speech.agreement_net import doubt, strangeness
from models.av_speech.fusion_net import FEATURES
from models.av_speech.lip_input import INPUTS, lip_input, thumbs
from models.av_speech.profile import LipNetworks
from models.av_speech.train_agreement import heard_alone, sound_at
from models.av_speech.train_fusion import frame_times
from models.errors import ModelError
from models.fusion import FusedSpeech, Fusion, LipSample
from models.speech.engine import Encoding, Float32
from models.speech.moonshine import FRAME_RATE


class LipFusion(Fusion):
    """Refines the frames of the Moonshine encoder by the lips of the user that a profile knows.

    Without a visible mouth the encoding passes as it is and no network runs. Lips that do not belong to the sound are
    left out, see `AgreementNet`: the frames are then those of `without_lips`. One processor thread.

    Args:
        load: gives the networks; called by `load`.
    """

    uses_lips = True

    def __init__(self, load: Callable[[], LipNetworks]) -> None:
        self._read = load
        self._networks: LipNetworks | None = None
        self._pools = ThreadpoolController()

    def load(self) -> None:
        """Load the networks. Idempotent.

        Raises:
            ModelError: they are missing or unusable.
        """
        if self._networks is None:
            self._networks = self._read()

    def fuse(self, encoding: Encoding, sound: Float32, lips: Sequence[LipSample]) -> FusedSpeech:
        """See `Fusion.fuse`.

        The gate is the length of what was added to a frame, in parts of that and the frame's own together; None where
        the lips do not belong to the sound.

        Raises:
            ModelError: `load` was not called, or the frames are not Moonshine's.
        """
        self._check(encoding)
        if not any(sample.points is not None for sample in lips):
            return FusedSpeech(encoding)
        fused = self._fused(encoding.features, lips)
        refined = fused.refined
        found = dataclasses.replace(encoding, features=refined)
        if fused.evidence < 0:
            return FusedSpeech(found)
        moved = np.linalg.norm(refined - encoding.features, axis=1)
        gate = moved / (moved + np.linalg.norm(encoding.features, axis=1) + 1e-9)
        return FusedSpeech(found, gate.astype(np.float32))

    def without_lips(self, encoding: Encoding) -> Encoding:
        """What the same network makes of the sound with the lips masked: the rival that lips must beat."""
        self._check(encoding)
        return dataclasses.replace(encoding, features=self._fused(encoding.features, []).masked)

    def evidence(self, encoding: Encoding, lips: Sequence[LipSample]) -> float:
        """How sure it is that lips belong to a sound: log-odds; below 0 they are left out. Some must be seen."""
        self._check(encoding)
        return self._fused(encoding.features, lips).evidence

    def _check(self, encoding: Encoding) -> None:
        if self._networks is None:
            raise ModelError("lip fusion is not loaded: call load() first")
        if encoding.features.shape[1] != FEATURES or encoding.frame_rate != FRAME_RATE:
            raise ModelError("profiles are made for the moonshine engine; set speech.engine to moonshine")

    def _fused(self, features: Float32, lips: Sequence[LipSample]) -> _Fused:
        networks = self._networks
        assert networks is not None
        given = torch.from_numpy(np.ascontiguousarray(features))[None]
        # OpenMP's limit holds for the calling thread alone; see `models.speech.alignment`.
        with self._pools.limit(limits=1, user_api="openmp"), torch.inference_mode():
            alone, heard = heard_alone(networks.fusion, given)
            masked: Float32 = alone[0].numpy()
            if not lips:
                return _Fused(masked, masked, 0.0)
            frames, mask = lip_frames(lips)
            states = networks.lips(frames[None], mask[None])
            times = torch.tensor([sample.time for sample in lips], dtype=torch.float32)
            sound, counted = sound_at(heard[0], times, mask)
            strange = strangeness(frames, mask, networks.lips.mean, networks.lips.scale)
            evidence = float(networks.agreement(states, sound[None], counted[None])) - doubt(strange)
            if evidence < 0:
                return _Fused(masked, masked, evidence)
            fused = networks.fusion(given, frame_times(len(features)), states, times, mask[None])
            return _Fused(masked, fused.features[0].numpy(), evidence)


class _Fused(NamedTuple):
    """Frames refined without lips and with them, and the evidence that the lips belong to the sound.

    Where that speaks against them, both are the same.
    """

    masked: Float32
    refined: Float32
    evidence: float


def lip_frames(lips: Sequence[LipSample]) -> tuple[Tensor, Tensor]:
    """(L, INPUTS) input of the lip network and (L,) mask."""
    frames = torch.zeros(len(lips), INPUTS)
    seen = [
        (index, sample.points, sample.blendshapes, sample.crop)
        for index, sample in enumerate(lips)
        if sample.points is not None and sample.blendshapes is not None and sample.crop is not None
    ]
    mask = torch.zeros(len(lips), dtype=torch.bool)
    if not seen:
        return frames, mask
    indices = torch.tensor([index for index, *_ in seen])
    points, blendshapes, crops = (np.stack([each[place] for each in seen]) for place in (1, 2, 3))
    frames[indices] = lip_input(points, blendshapes, thumbs(crops))
    mask[indices] = True
    return frames, mask
