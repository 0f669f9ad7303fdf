"""`eval speech` without its command line: word errors with and without lips, among other sounds."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np

from lipstream.models.av_speech.evaluation.word_errors import WordErrors, count_errors
from lipstream.models.av_speech.recording import LIP_RATE, Float32, LipTrack, Recording
from lipstream.models.av_speech.training.corpora import SpokenWord
from lipstream.models.av_speech.training.mixtures import Noise, mixed
from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import SAMPLE_RATE, Encoding, SpeechEngine, TimedWord
from lipstream.models.speech.fusion import FusedSpeech, Fusion, LipSample
from lipstream.models.speech.recogniser import Hints, Recogniser, Utterance
from lipstream.models.training.progress import ProgressReport

CLEAN: Final = "clean"
BACKBONE: Final = "backbone"
AUDIO_ONLY: Final = "audio-only fusion"
AUDIO_VISUAL: Final = "audio-visual"
MISMATCHED: Final = "someone else's lips"
ELSEWHEN: Final = "lips of another clip"
LIPS_ALONE: Final = "lips alone"
MUTED: Final = "muted"

AudioOnly = Callable[[Encoding, Float32], Encoding]
"""The fusion of an encoding and its sound with the lips masked."""
Figures = dict[str, dict[str, dict[str, Any]]]
"""For each condition and system its `WordErrors`, with `wer`, and `wer by seed`."""


@runtime_checkable
class MasksLips(Protocol):
    """A fusion whose network also runs with the lips masked: the rival that lips must beat."""

    def without_lips(self, encoding: Encoding) -> Encoding:
        """What it makes of the sound alone."""


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
        words: when each word is spoken, empty where that is not known.
        mismatched: the lips of somebody else; None to leave that out.
        elsewhen: the speaker's lips in another clip; None to leave that out.
    """

    recording: Recording
    text: str
    voices: Sequence[Float32]
    words: tuple[SpokenWord, ...] = ()
    mismatched: LipTrack | None = None
    elsewhen: LipTrack | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Systems:
    """What is compared.

    Attributes:
        engine: the listener, and the recogniser where there is no other.
        audio_only: the fusion with masked lips; None without fusion.
        fusion: the fusion; None for the recogniser alone.
        recogniser: who reads the sound instead of the engine; None for nobody.
        language: code of the language spoken, which that recogniser is told; None to find out.
    """

    engine: SpeechEngine
    audio_only: AudioOnly | None
    fusion: Fusion | None
    recogniser: Recogniser | None = None
    language: str | None = None

    def fused(self, heard: Float32, lips: LipTrack) -> dict[str, FusedSpeech]:
        """What each system makes of (N,) sound and the lips seen meanwhile."""
        encoding = self.engine.encode(heard)
        found = {BACKBONE: FusedSpeech(encoding)}
        if self.audio_only is not None:
            found[AUDIO_ONLY] = FusedSpeech(self.audio_only(encoding, heard))
        if self.fusion is not None:
            found[AUDIO_VISUAL] = self.fusion.fuse(encoding, heard, lip_samples(lips))
        return found

    def words(self, fused: FusedSpeech, heard: Float32) -> Sequence[TimedWord]:
        """The words that are read of (N,) sound, also those that are better left out."""
        if self.recogniser is None:
            return self.engine.align(fused.encoding, self.engine.decode(fused.encoding))
        sound = heard if fused.sound is None else fused.sound
        utterance = Utterance(sound, len(sound) / SAMPLE_RATE, fused.encoding, seen=fused.encoding.is_seen)
        return self.recogniser.recognise(utterance, Hints(self.language)).words

    def text(self, fused: FusedSpeech, heard: Float32) -> str:
        """What is written: the words that fusion lets pass (`Encoding.asks`)."""
        if self.recogniser is None and fused.encoding.least_confidence is None:
            return self.engine.decode(fused.encoding).text
        asks = fused.encoding.asks
        return " ".join(w.text for w in self.words(fused, heard) if w.confidence >= asks(w.start, w.end))


def parse_conditions(snrs: str, noises: str) -> list[Condition]:
    """Conditions from "clean,10,5,0,-5" and "babble1,babble4,white".

    Raises:
        ModelError: a level is no number, there is no such noise, or there is nothing to do.
    """
    levels = [_level(item.strip()) for item in snrs.split(",") if item.strip()]
    kinds = [Noise.parse(name.strip()) for name in noises.split(",") if name.strip()]
    clean = [Condition(None)] if None in levels else []
    found = clean + [Condition(kind, level) for kind in kinds for level in levels if level is not None]
    if not found:
        raise ModelError(f"--snr {snrs!r} and --noise {noises!r}: expected 'clean', or decibels and a noise")
    return list(dict.fromkeys(found))


def _level(item: str) -> float | None:
    """Decibels; None for clean."""
    if item == CLEAN:
        return None
    with contextlib.suppress(ValueError):
        if math.isfinite(level := float(item)):
            return level
    raise ModelError(f"--snr {item!r}: expected 'clean' or decibels such as 10 or -5")


def check_voices(trials: Sequence[Trial], conditions: Sequence[Condition]) -> None:
    """See whether there are voices enough for the babble.

    Raises:
        ModelError: there are not.
    """
    there = min(len(trial.voices) for trial in trials)
    for condition in conditions:
        if condition.noise is not None and condition.noise.voices > there:
            raise ModelError(
                f"{condition.noise.name} needs {condition.noise.voices} other voices, there are {there}; "
                "give more with --voices DIR"
            )


def evaluate(
    trials: Sequence[Trial],
    conditions: Sequence[Condition],
    systems: Systems,
    seeds: int,
    report: ProgressReport,
    done: Callable[[Figures], None] = lambda _: None,
) -> Figures:
    """Word errors by condition and system.

    Args:
        trials: what is recognised.
        conditions: what among; the same mixtures for every system.
        systems: what is compared.
        seeds: how many times, each with other voices and noise; clean speech is the same each time. The noise of trial
            i the n-th time follows from [n, i] alone, both counted from 0.
        report: progress.
        done: called with all figures so far after each condition.

    Returns:
        The figures.
    """
    figures: Figures = {}
    said = [trial.text for trial in trials]
    for condition in conditions:
        runs: dict[str, list[WordErrors]] = {}
        for seed in range(1 if condition.noise is None else seeds):
            for name, texts in _texts(trials, condition, systems, seed, report).items():
                runs.setdefault(name, []).append(count_errors(said, texts))
        figures[str(condition)] = {name: _summary(errors) for name, errors in runs.items()}
        done(figures)
    if systems.fusion is not None:
        read = []
        for index, trial in enumerate(trials):
            read.append(lips_alone(trial.recording, systems))
            report(MUTED, index + 1, len(trials), "")
        figures[MUTED] = {LIPS_ALONE: _summary([count_errors(said, read)])}
        done(figures)
    return figures


def lips_alone(recording: Recording, systems: Systems) -> str:
    """What is read from the lips of a recording whose sound is muted; the systems have a fusion."""
    hiss = np.random.default_rng(0).standard_normal(len(recording.pcm)).astype(np.float32) * np.float32(1e-4)
    return systems.text(systems.fused(hiss, recording.lips)[AUDIO_VISUAL], hiss)


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
    trials: Sequence[Trial], condition: Condition, systems: Systems, seed: int, report: ProgressReport
) -> dict[str, list[str]]:
    """What each system hears, by trial; a system that has no lips for one of them is left out."""
    texts: dict[str, list[str]] = {}
    for index, trial in enumerate(trials):
        heard = heard_among(trial, condition, np.random.default_rng([seed, index]))
        found = systems.fused(heard, trial.recording.lips)
        for name, lips in ((MISMATCHED, trial.mismatched), (ELSEWHEN, trial.elsewhen)):
            if systems.fusion is not None and lips is not None:
                found[name] = systems.fusion.fuse(found[BACKBONE].encoding, heard, lip_samples(lips))
        for name, fused in found.items():
            texts.setdefault(name, []).append(systems.text(fused, heard))
        report(f"{condition}, seed {seed}", index + 1, len(trials), "")
    return {name: each for name, each in texts.items() if len(each) == len(trials)}


def heard_among(trial: Trial, condition: Condition, rng: np.random.Generator) -> Float32:
    """(N,) sound of a trial among what the condition says; for a state of the generator always the same."""
    sound = trial.recording.sound
    if condition.noise is None:
        return sound
    return mixed(sound, condition.noise.make(trial.voices, len(sound), rng), condition.snr)


def _summary(runs: Sequence[WordErrors]) -> dict[str, Any]:
    total = runs[0]
    for each in runs[1:]:
        total = total + each
    return asdict(total) | {"wer": round(total.rate, 4), "wer by seed": [round(each.rate, 4) for each in runs]}
