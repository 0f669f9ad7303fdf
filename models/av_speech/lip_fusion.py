"""Lips in the transcript: the fusion that a profile makes possible."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import numpy as np
import torch
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]
from torch import Tensor

from lipstream.models.av_speech.correspondence_net import doubt, heard, strangeness
from lipstream.models.av_speech.encoder_frames import beside_lips, frame_times
from lipstream.models.av_speech.lip_input import lip_frames
from lipstream.models.av_speech.loudness import loudness
from lipstream.models.av_speech.profile import LipNetworks
from lipstream.models.av_speech.sound_frames import FEATURES
from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import Encoding, Float32
from lipstream.models.speech.fusion import FusedSpeech, Fusion, LipSample
from lipstream.models.speech.moonshine import FRAME_RATE

SILENT: Final = 1e-3
"""Loudness (root mean square) below which nothing is heard that lips could disagree with: -60 dB of full scale."""


class LipInput(NamedTuple):
    """Lips as the lip network takes them: (L, INPUTS) input, (L,) seconds from the first encoded sample, (L,) mask."""

    frames: Tensor
    times: Tensor
    mask: Tensor


class LipFusion(Fusion):
    """Refines the frames of the Moonshine encoder by the lips of the user that a profile knows.

    Without a visible mouth the encoding passes as it is and no network runs. Lips that do not belong to the sound are
    left out, see `CorrespondenceNet`: the frames are then those of `without_lips`. One processor thread.

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
        return self._refined(encoding, _taken_lips(lips), loudness(sound) > SILENT)

    def refine(self, encoding: Encoding, lips: LipInput) -> FusedSpeech:
        """See `fuse`: with sound that is not silent, and lips of which the input of the network was kept.

        Raises:
            ModelError: `load` was not called, or the frames are not Moonshine's.
        """
        self._check(encoding)
        return self._refined(encoding, lips, True)

    def _refined(self, encoding: Encoding, lips: LipInput, audible: bool) -> FusedSpeech:
        with self._running() as networks:
            given = _given(encoding)
            read = _read(networks, lips)
            if audible:
                alone = networks.fusion.without_lips(given)
                if _evidence(networks, heard(alone)[0], read) < 0:
                    return FusedSpeech(_taken(encoding, alone.features))
            fused = networks.fusion(given, frame_times(given.shape[1]), read.states, read.times, read.mask[None])
            found = _taken(encoding, fused.features)
        moved = np.linalg.norm(found.features - encoding.features, axis=1)
        gate = moved / (moved + np.linalg.norm(encoding.features, axis=1) + 1e-9)
        return FusedSpeech(found, gate.astype(np.float32))

    def without_lips(self, encoding: Encoding) -> Encoding:
        """What the same network makes of the sound with the lips masked: the rival that lips must beat."""
        self._check(encoding)
        with self._running() as networks:
            return _taken(encoding, networks.fusion.without_lips(_given(encoding)).features)

    def evidence(self, encoding: Encoding, lips: Sequence[LipSample] | LipInput) -> float:
        """How sure it is that lips belong to a sound: log-odds; below 0 they are left out. Some must be seen."""
        self._check(encoding)
        given = lips if isinstance(lips, LipInput) else _taken_lips(lips)
        with self._running() as networks:
            alone = networks.fusion.without_lips(_given(encoding))
            return _evidence(networks, heard(alone)[0], _read(networks, given))

    def looks(self, encoding: Encoding, lips: Sequence[LipSample]) -> Float32:
        """(T, L) share of its attention that each frame of the sound gave to each lip frame; some must be seen."""
        self._check(encoding)
        with self._running() as networks:
            given, read = _given(encoding), _read(networks, _taken_lips(lips))
            found = networks.fusion.looks(given, frame_times(given.shape[1]), read.states, read.times, read.mask[None])
        return np.asarray(found[0].numpy(), np.float32)

    def _check(self, encoding: Encoding) -> None:
        if self._networks is None:
            raise ModelError("lip fusion is not loaded: call load() first")
        if encoding.features.shape[1] != FEATURES or encoding.frame_rate != FRAME_RATE:
            raise ModelError("profiles are made for the frames of Moonshine's encoder, these are others")

    @contextmanager
    def _running(self) -> Iterator[LipNetworks]:
        networks = self._networks
        assert networks is not None
        # OpenMP's limit holds for the calling thread alone; see `lipstream.models.speech.alignment`.
        with self._pools.limit(limits=1, user_api="openmp"), torch.inference_mode():
            yield networks


class _Read(NamedTuple):
    """Lips through the lip network: (L, INPUTS) input, (L,) seconds and mask, (1, L, D) states."""

    frames: Tensor
    times: Tensor
    mask: Tensor
    states: Tensor


def _taken_lips(lips: Sequence[LipSample]) -> LipInput:
    frames, mask = map(torch.from_numpy, lip_frames(lips))
    return LipInput(frames, torch.tensor([sample.time for sample in lips], dtype=torch.float32), mask)


def _read(networks: LipNetworks, lips: LipInput) -> _Read:
    return _Read(*lips, networks.lips(lips.frames[None], lips.mask[None]))


def _evidence(networks: LipNetworks, sound: Tensor, read: _Read) -> float:
    """Of lips for (T, D) of a sound."""
    sounds, counted = beside_lips(sound, read.times, read.mask)
    strange = strangeness(read.frames, read.mask, networks.lips.mean, networks.lips.scale)
    return float(networks.correspondence(read.states, sounds[None], counted[None])) - doubt(strange)


def _given(encoding: Encoding) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(encoding.features))[None]


def _taken(encoding: Encoding, features: Tensor) -> Encoding:
    return dataclasses.replace(encoding, features=features[0].numpy(), refined=True)
