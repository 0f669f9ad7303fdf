"""Pairs of a voice and a face that agree in emotion only: what fusion is trained and judged on.

There is no large corpus of people filmed and recorded, so an actor's utterance is put beside a stranger's face of the
same label, each side degraded by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lipstream.models.emotion.looks import Look
from lipstream.models.emotion.quality import TOKEN, face_quality, voice_quality
from lipstream.models.emotion.training.face_networks import FaceNetworks
from lipstream.models.emotion.training.voice import speech_windows, stack
from lipstream.models.emotion.training.voice_data import VoiceFeatures
from lipstream.models.emotion.voice_net import VoiceNet
from lipstream.models.emotion.voice_steps import STEP
from lipstream.models.training.fingerprint import Part

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]

FACE_STATES = ("clean", "talking", "blurred", "dark", "covered")
"""How faces are seen: as they are, judged as talking, out of focus, in the dark, half covered."""

MOST_FACES, MOST_WINDOWS = 12, 4

Tokens = Float32


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Tokens of one modality by state.

    Attributes:
        tokens: per state, for each item its (n, TOKEN) tokens.
        labels: (N,) class indices.
    """

    tokens: dict[str, list[Tokens]]
    labels: Int64

    def parts(self) -> Iterator[Part]:
        """All that is in it, for its fingerprint."""
        yield self.labels
        for state, items in sorted(self.tokens.items()):
            yield state
            yield from items

    def part(self, indices: Int64) -> Bank:
        """The items with these indices."""
        return Bank({s: [t[i] for i in indices] for s, t in self.tokens.items()}, self.labels[indices])


def degrade(images: UInt8, state: str, rng: np.random.Generator) -> UInt8:
    """(N, 48, 48) faces in one of `FACE_STATES`."""
    result = images.copy()
    for image in result:
        if state == "blurred":
            image[:] = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(2.5, 4.0)))
        elif state == "dark":
            shade = image * rng.uniform(0.06, 0.2) + rng.normal(0, 4, image.shape)
            image[:] = np.clip(shade, 0, 255).astype(np.uint8)
        elif state == "covered":
            first = int(rng.integers(0, 24))
            image[first : first + 24] = int(rng.integers(0, 255))
    return result


def face_tokens(networks: FaceNetworks, crops: UInt8, shapes: Float32, look: Look) -> Float32:
    """(N, TOKEN) of (N, 48, 48) crops and their (N, GEOMETRY)."""
    parts = [
        networks.judge(crops[first : first + 256], shapes[first : first + 256], look)[0]
        for first in range(0, len(crops), 256)
    ]
    quality = face_quality(crops, float(look.talking))
    return np.concatenate([np.concatenate(parts), quality], axis=1).astype(np.float32)


def face_bank(
    networks: FaceNetworks, images: UInt8, labels: Int64, shapes_of: Callable[[UInt8, str], Float32], seed: int
) -> Bank:
    """Tokens of faces in every state.

    Args:
        networks: the face branch.
        images: (N, 48, 48) uint8.
        labels: (N,) class indices.
        shapes_of: gives the (N, GEOMETRY) of degraded images, whose name follows.
        seed: of what is random.
    """
    rng = np.random.default_rng(seed)
    tokens = {}
    for state in FACE_STATES:
        crops = degrade(images, state, rng)
        shapes = shapes_of(crops, state)
        looks = dict.fromkeys(Look.of(state == "talking", turn) for turn in range(2))
        rows = [face_tokens(networks, crops, shapes, look) for look in looks]
        tokens[state] = list(np.stack(rows, axis=1))
    return Bank(tokens, labels)


def voice_bank(
    networks: Sequence[VoiceNet], folds: Int64, features: dict[str, list[VoiceFeatures]], labels: Int64
) -> Bank:
    """Tokens of the windows of every clip, by the network that never heard its actor."""
    tokens: dict[str, list[Tokens]] = {}
    for variant, clips in features.items():
        tokens[variant] = [window_tokens(networks[folds[index]], clip) for index, clip in enumerate(clips)]
    return Bank(tokens, labels)


def window_tokens(network: VoiceNet, clip: VoiceFeatures) -> Tokens:
    """(windows, TOKEN) of a clip."""
    windows = speech_windows(clip)
    with torch.inference_mode():
        logs = network(*stack(windows))[0].log_softmax(dim=1).numpy()
    quality = np.stack(
        [
            voice_quality(features.sound[STEP * start : STEP * end].astype(np.float32))
            for features, start, end in windows
        ]
    )
    return np.concatenate([logs, quality], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """A batch of pairs, as `FusionNet.forward` wants it."""

    face: Tensor
    voice: Tensor
    face_mask: Tensor
    voice_mask: Tensor
    times: tuple[Tensor, Tensor]
    labels: Tensor

    def without_face(self) -> Pairs:
        """The same with the face masked."""
        return Pairs(self.face, self.voice, torch.zeros_like(self.face_mask), self.voice_mask, self.times, self.labels)

    def without_voice(self) -> Pairs:
        """The same with the sound muted."""
        return Pairs(self.face, self.voice, self.face_mask, torch.zeros_like(self.voice_mask), self.times, self.labels)


def _drawn(bank: Bank, states: Sequence[str], members: Int64, rng: np.random.Generator) -> Tokens:
    # What `rng.choice` draws, without the copies it makes of the choices each time.
    state = states[int(rng.integers(0, len(states)))]
    return bank.tokens[state][int(members[int(rng.integers(0, len(members)))])]


def draw_pairs(
    faces: Bank,
    voices: Bank,
    face_states: Sequence[str],
    voice_states: Sequence[str],
    count: int,
    rng: np.random.Generator,
) -> Pairs:
    """Random pairs of equal label, the seven classes equally often, states drawn for each side by itself.

    The face shows as 3 to 12 frames, some of them dropped, in the last 1.5 s; the voice as its latest windows.
    """
    face = np.zeros((count, MOST_FACES, TOKEN), np.float32)
    voice = np.zeros((count, MOST_WINDOWS, TOKEN), np.float32)
    face_mask, voice_mask = np.zeros((count, MOST_FACES), np.bool_), np.zeros((count, MOST_WINDOWS), np.bool_)
    labels = rng.integers(0, 7, count)
    faces_of, voices_of = ([np.flatnonzero(bank.labels == label) for label in range(7)] for bank in (faces, voices))
    for row, label in enumerate(labels):
        seen = _drawn(faces, face_states, faces_of[label], rng)
        frames = int(rng.integers(3, MOST_FACES + 1))
        face[row, :frames] = seen[rng.integers(0, len(seen), frames)]
        face_mask[row, rng.permutation(frames)[: int(rng.integers(1, frames + 1))]] = True
        heard = _drawn(voices, voice_states, voices_of[label], rng)[-MOST_WINDOWS:]
        voice[row, MOST_WINDOWS - len(heard) :] = heard
        voice_mask[row, MOST_WINDOWS - len(heard) :] = True
    times = (
        -np.tile(np.linspace(1.4, 0, MOST_FACES), (count, 1)),
        -np.tile(np.linspace(1.5, 0, MOST_WINDOWS), (count, 1)),
    )
    return Pairs(
        torch.from_numpy(face),
        torch.from_numpy(voice),
        torch.from_numpy(face_mask),
        torch.from_numpy(voice_mask),
        (torch.from_numpy(times[0]).float(), torch.from_numpy(times[1]).float()),
        torch.from_numpy(labels),
    )
