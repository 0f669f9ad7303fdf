"""Makes a profile of kept features, and judges it by those that were held back.

As an enrolment without transcripts: the sound teaches the lips, and a profile is taken if it does clean speech no harm,
as far as that can be told, and more is heard in babble.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from lipstream.models.av_speech.enrolment.asked import BABBLE, HELD_BACK
from lipstream.models.av_speech.enrolment.enrolment import (
    Recipe,
    Teacher,
    calibrate,
    learn,
    prefixes,
    reads_clean,
    ready,
    visible,
)
from lipstream.models.av_speech.evaluation.conditions import AUDIO_VISUAL, BACKBONE, CLEAN
from lipstream.models.av_speech.evaluation.word_errors import count_errors
from lipstream.models.av_speech.lip_fusion import LipFusion, LipInput
from lipstream.models.av_speech.profile import LipNetworks
from lipstream.models.av_speech.recording import LIP_RATE, SAMPLE_RATE, Float16
from lipstream.models.av_speech.training.fusion import Example
from lipstream.models.av_speech.training.growing.kept_speech import KeptSpeech
from lipstream.models.av_speech.training.lip_augment import LipSequence
from lipstream.models.av_speech.training.lips import LipReading
from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import Encoding, TimedWord
from lipstream.models.speech.moonshine import FRAME_RATE
from lipstream.models.training.progress import ProgressReport

IN_BABBLE: Final = f"{BABBLE.name} 0 dB"
EARLIER: Final = "the profile there was"
Figures = dict[str, dict[str, dict[str, Any]]]


class Growth:
    """Makes a profile of what was kept.

    Args:
        teacher: the recogniser.
        recipe: how to train; by the number of stretches if it is not given.
        out: folder for what a resumed run needs.
        report: progress.
    """

    def __init__(self, teacher: Teacher, out: Path, report: ProgressReport, recipe: Recipe | None = None) -> None:
        self._teacher = teacher
        self._recipe = recipe
        self._out = out
        self._report = report

    def run(
        self, kept: Sequence[tuple[int, KeptSpeech]], networks: LipNetworks, earlier: LipNetworks | None = None
    ) -> tuple[bool, Figures]:
        """Train and judge a profile.

        Args:
            kept: stretches with their numbers.
            networks: the networks to begin with; trained in place.
            earlier: the profile that is used so far, which a new one must not be worse than; None if there is none.

        Returns:
            Whether the profile is accepted, and the word errors against what was read in quiet, clean and in babble.

        Raises:
            ModelError: there is nothing to learn from, or to judge by.
        """
        held = [each for number, each in kept if number % HELD_BACK == 0 and each.babble is not None]
        learnt = [each for number, each in kept if number % HELD_BACK]
        if not held or not learnt:
            raise ModelError(f"{len(kept)} stretches of speech are too few to learn from and to judge by")
        examples = [self._example(each) for each in learnt]
        readings = [LipReading(each.lips, each.text or "", visible(each.words[-1])) for each in examples if each.words]
        recipe = self._recipe or Recipe.suited(len(examples), seed=0)
        learn(self._teacher, recipe, networks, (readings, examples), self._out, self._report)
        fusion = ready(networks)
        babble = [(each, each.babble) for each in held if each.babble is not None]
        found = [
            fusion.evidence(encoding_of(weighing, each.seconds), lips_of(each))
            for each, (_, weighing) in babble
            if each.mask.any()
        ]
        calibrate(networks.correspondence, found)
        systems = {AUDIO_VISUAL: fusion} | ({} if earlier is None else {EARLIER: ready(earlier)})
        figures = {
            CLEAN: self._judge([(each, each.sound.clean.frames) for each in held], systems),
            IN_BABBLE: self._judge([(each, judging) for each, (judging, _) in babble], systems),
        }
        rivals = [row["wer"] for name, row in figures[IN_BABBLE].items() if name != AUDIO_VISUAL]
        better = figures[IN_BABBLE][AUDIO_VISUAL]["wer"] < min(rivals)
        return better and reads_clean(figures[CLEAN], self._sureness(held, fusion)), figures

    def _example(self, kept: KeptSpeech) -> Example:
        lips = LipSequence(
            torch.from_numpy(kept.shape.astype(np.float32)),
            torch.from_numpy(kept.look.astype(np.float32)),
            torch.from_numpy(kept.mask),
        )
        words = [TimedWord(text, end, end, 1.0) for text, end in kept.words]
        return Example(kept.sound, lips, kept.text or None, prefixes(self._teacher.tokenizer, words))

    def _judge(
        self, heard: Sequence[tuple[KeptSpeech, Float16]], systems: dict[str, LipFusion]
    ) -> dict[str, dict[str, Any]]:
        engine = self._teacher.engine
        said = [each.text for each, _ in heard]
        texts: dict[str, list[str]] = {}
        for index, (each, frames) in enumerate(heard):
            encoding = encoding_of(frames, each.seconds)
            texts.setdefault(BACKBONE, []).append(engine.decode(encoding).text)
            for name, fusion in systems.items():
                refined = fusion.refine(encoding, lips_of(each)).encoding if each.mask.any() else encoding
                texts.setdefault(name, []).append(engine.decode(refined).text)
            self._report("judging", index + 1, len(heard), "")
        errors = {name: count_errors(said, each) for name, each in texts.items()}
        return {name: asdict(each) | {"wer": round(each.rate, 4)} for name, each in errors.items()}

    def _sureness(self, held: Sequence[KeptSpeech], fusion: LipFusion) -> float:
        """How much surer the decoder is of clean speech with the profile: mean log-probability of a token."""
        engine, gains = self._teacher.engine, []
        for each in held:
            encoding = encoding_of(each.sound.clean.frames, each.seconds)
            refined = fusion.refine(encoding, lips_of(each)).encoding
            gains.append(engine.decode(refined).mean_log_probability - engine.decode(encoding).mean_log_probability)
        return float(np.mean(gains))


def encoding_of(frames: Float16, seconds: float) -> Encoding:
    """Kept frames as an engine gives them."""
    return Encoding(frames.astype(np.float32), FRAME_RATE, round(seconds * SAMPLE_RATE))


def lips_of(kept: KeptSpeech) -> LipInput:
    """Kept lips as a fusion takes them."""
    frames = np.concatenate((kept.shape, kept.look.reshape(len(kept.look), -1)), axis=1).astype(np.float32)
    frames[~kept.mask] = 0.0
    times = torch.arange(len(frames), dtype=torch.float32) / LIP_RATE
    return LipInput(torch.from_numpy(frames), times, torch.from_numpy(kept.mask))
