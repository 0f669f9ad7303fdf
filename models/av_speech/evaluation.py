"""`eval speech` without its command line: word errors of three systems among other sounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from models.av_speech.mixtures import Noise, mixed
from models.av_speech.recording import LIP_RATE, Float32, LipTrack, Recording
from models.av_speech.word_errors import WordErrors, count_errors
from models.emotion.progress import Report
from models.errors import ModelError
from models.fusion import Fusion, LipSample
from models.speech.engine import Encoding, SpeechEngine

CLEAN: Final = "clean"
BACKBONE: Final = "backbone"
AUDIO_ONLY: Final = "audio-only fusion"
AUDIO_VISUAL: Final = "audio-visual"
MUTED: Final = "lips alone"

AudioOnly = Callable[[Encoding], Encoding]
"""The fusion with the lips masked."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What speech is heard among.

    Attributes:
        noise: kind of noise, None for clean speech.
        snr: signal-to-noise ratio in decibels; without meaning for clean speech.
    """

    noise: Noise | None
    snr: float = 0.0

    def __str__(self) -> str:
        return CLEAN if self.noise is None else f"{self.noise.name} {self.snr:g} dB"


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A recording with what is said in it, and the voices it may be mixed with.

    Attributes:
        recording: sound and lips.
        text: what is said.
        voices: of other people.
    """

    recording: Recording
    text: str
    voices: Sequence[Float32]


@dataclass(frozen=True, slots=True, eq=False)
class Systems:
    """What is compared.

    Attributes:
        engine: the recogniser.
        audio_only: the fusion with masked lips; None without a profile.
        fusion: the fusion; None without a profile.
    """

    engine: SpeechEngine
    audio_only: AudioOnly | None
    fusion: Fusion | None


def parse_conditions(snrs: str, noises: str) -> list[Condition]:
    """Conditions from "clean,10,5,0,-5" and "babble1,babble4,white".

    Raises:
        ModelError: a level is no number, or there is no such noise.
    """
    kinds = [Noise.parse(name.strip()) for name in noises.split(",") if name.strip()]
    found: list[Condition] = []
    levels: list[float] = []
    for item in (each.strip() for each in snrs.split(",") if each.strip()):
        if item == CLEAN:
            found.append(Condition(None))
            continue
        try:
            levels.append(float(item))
        except ValueError:
            raise ModelError(f"--snr {item!r}: expected 'clean' or decibels such as 10 or -5") from None
    return found + [Condition(kind, level) for kind in kinds for level in levels]


def evaluate(
    trials: Sequence[Trial], conditions: Sequence[Condition], systems: Systems, seeds: int, report: Report
) -> dict[str, dict[str, dict[str, Any]]]:
    """Word errors by condition and system.

    Args:
        trials: what is recognised.
        conditions: what among; the same mixtures for every system.
        systems: what is compared.
        seeds: how many times, each with other voices and noise; clean speech is the same each time.
        report: progress.

    Returns:
        For each condition and system its `WordErrors`, with `wer`, and `wer by seed`.
    """
    figures: dict[str, dict[str, dict[str, Any]]] = {}
    for condition in conditions:
        runs: dict[str, list[WordErrors]] = {}
        for seed in range(1 if condition.noise is None else seeds):
            texts = _texts(trials, condition, systems, seed, report)
            for name, hypotheses in texts.items():
                runs.setdefault(name, []).append(count_errors([trial.text for trial in trials], hypotheses))
        figures[str(condition)] = {name: _summary(errors) for name, errors in runs.items()}
    if systems.fusion is not None:
        hypotheses = [lips_alone(trial.recording, systems.engine, systems.fusion) for trial in trials]
        figures["muted"] = {MUTED: _summary([count_errors([trial.text for trial in trials], hypotheses)])}
    return figures


def lips_alone(recording: Recording, engine: SpeechEngine, fusion: Fusion) -> str:
    """What is read from the lips of a recording whose sound is muted."""
    hiss = np.random.default_rng(0).standard_normal(len(recording.pcm)).astype(np.float32) * np.float32(1e-4)
    return engine.decode(fusion.fuse(engine.encode(hiss), hiss, lip_samples(recording.lips)).encoding).text


def lip_samples(track: LipTrack) -> list[LipSample]:
    """A lip track as fusion gets it."""
    return [
        LipSample(
            index / LIP_RATE, track.crops[index], track.points[index].astype(np.float32), track.blendshapes[index]
        )
        if seen
        else LipSample(index / LIP_RATE, None, None, None)
        for index, seen in enumerate(track.mask)
    ]


def _texts(
    trials: Sequence[Trial], condition: Condition, systems: Systems, seed: int, report: Report
) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for index, trial in enumerate(trials):
        heard = _heard(trial, condition, np.random.default_rng([seed, index]))
        for name, encoding in _encodings(systems, heard, trial.recording.lips).items():
            texts.setdefault(name, []).append(systems.engine.decode(encoding).text)
        report(f"{condition}, seed {seed}", index + 1, len(trials), "")
    return texts


def _encodings(systems: Systems, heard: Float32, lips: LipTrack) -> dict[str, Encoding]:
    encoding = systems.engine.encode(heard)
    found = {BACKBONE: encoding}
    if systems.audio_only is not None:
        found[AUDIO_ONLY] = systems.audio_only(encoding)
    if systems.fusion is not None:
        found[AUDIO_VISUAL] = systems.fusion.fuse(encoding, heard, lip_samples(lips)).encoding
    return found


def _heard(trial: Trial, condition: Condition, rng: np.random.Generator) -> Float32:
    sound = trial.recording.sound
    if condition.noise is None:
        return sound
    return mixed(sound, condition.noise.make(trial.voices, len(sound), rng), condition.snr)


def _summary(runs: Sequence[WordErrors]) -> dict[str, Any]:
    total = runs[0]
    for each in runs[1:]:
        total = total + each
    return asdict(total) | {"wer": round(total.rate, 4), "wer by seed": [round(each.rate, 4) for each in runs]}
