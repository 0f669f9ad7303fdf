"""Fingerprints of recordings and of lips, which tell them from others of the same name and length."""

from __future__ import annotations

from lipstream.models.av_speech.recording import Recording
from lipstream.models.av_speech.training.lip_augment import LipSequence
from lipstream.models.training.fingerprint import fingerprint


def of_recording(recording: Recording) -> str:
    """Fingerprint of a recording's sound and lips."""
    lips = recording.lips
    return fingerprint((recording.pcm, lips.points, lips.blendshapes, lips.crops, lips.mask))


def of_lips(lips: LipSequence) -> str:
    """Fingerprint of lips as training sees them."""
    return fingerprint((lips.shape, lips.pictures, lips.mask))
