"""Enrolment: a model that learns its user's lips from the user's own recordings.

The sound teaches the lips: where no transcript is given, what a recogniser hears in the quiet recordings is taken for
what was said. A part of the recordings is held back and decides whether the profile is any good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from lipstream.models.av_speech.correspondence_net import CorrespondenceNet
from lipstream.models.av_speech.enrolment.asked import (
    BABBLE,
    HELD_BACK,
    LEAST_CONFIDENCE,
    LEAST_RANGE,
    LONGEST,
    LONGEST_TOLD,
    speech_range,
)
from lipstream.models.av_speech.enrolment.captioned import captioned
from lipstream.models.av_speech.enrolment.quiet_reader import read_quietly
from lipstream.models.av_speech.evaluation.conditions import (
    AUDIO_VISUAL,
    BACKBONE,
    Condition,
    Systems,
    Trial,
    evaluate,
    lip_samples,
)
from lipstream.models.av_speech.lip_fusion import LipFusion
from lipstream.models.av_speech.profile import LipNetworks
from lipstream.models.av_speech.recording import Float32, Recording
from lipstream.models.av_speech.training.correspondence import CorrespondenceRecipe, train_correspondence
from lipstream.models.av_speech.training.encodings import EncodeSound, Mixing, cached_encodings
from lipstream.models.av_speech.training.fusion import Example, FusionTraining, LipFusionRecipe, SpokenPrefix
from lipstream.models.av_speech.training.lip_augment import lip_sequence
from lipstream.models.av_speech.training.lips import LipReading, LipRecipe, pretrain_lips
from lipstream.models.av_speech.training.mixtures import mixed
from lipstream.models.errors import ModelError
from lipstream.models.speech.alignment import CLOSING_TOKENS
from lipstream.models.speech.engine import SAMPLE_RATE, Hypothesis, SpeechEngine, TimedWord
from lipstream.models.speech.recogniser import Recogniser
from lipstream.models.speech.split import SplitRecogniser
from lipstream.models.speech.tokenizer import Tokenizer
from lipstream.models.training.device import CPU
from lipstream.models.training.progress import ProgressReport
from lipstream.models.training.torch_decoder import MoonshineDecoder

LEAST_MINUTES: Final = 3.0
"""Shortest recordings that a profile is made from, in all."""
LEAST_FACE: Final = 0.5
"""Share of the time in which the mouth must be visible."""
LEAST_KNOWN: Final = 0.2
"""Share of the recordings in which it must be known what is said; where nobody speaks nothing is."""
LEAST_LIP_STEPS: Final = 600
LEAST_STEPS: Final = 400
"""Steps of the two trainings, however few the recordings."""
SHORTEST: Final = SAMPLE_RATE
"""Samples of the shortest piece that is learnt from."""
MOST_DOUBT: Final = 0.1
"""Mean log-probability of a token by which the decoder may be less sure of clean speech than without the profile, where
no transcript tells what is right, see `reads_clean`."""
OWN_REFUSED: Final = 0.02
"""Share of the recordings held back whose own lips may be taken for foreign ones in babble at 0 dB."""
LEAST_EVIDENCE: Final = -2.0
"""Evidence (log-odds) that is asked of lips at least. Of five minutes ten recordings are held back, and the quantile is
hardly more than the lowest of them: one odd clip would turn the check off for good."""
MOST_EVIDENCE: Final = 1.0
"""The same at most."""
_JUDGING = (Condition(None), Condition(BABBLE, 0.0))
_CALIBRATING: Final = 1
"""Of the random numbers: among other noise than what the profile is judged by."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a user enrols with.

    Attributes:
        names: of the recordings, each unique.
        recordings: of the user, speaking in quiet.
        texts: what is said in each, None where that is not known.
        voices: of other people.
    """

    names: Sequence[str]
    recordings: Sequence[Recording]
    texts: Sequence[str | None]
    voices: Sequence[Float32]

    @staticmethod
    def of(
        names: Sequence[str], recordings: Sequence[Recording], texts: Sequence[str | None], voices: Sequence[Float32]
    ) -> Material:
        """Material in which long recordings are cut into utterances.

        Raises:
            ModelError: one with a transcript is too long for its words to be placed.
        """
        cut: list[tuple[str, Recording, str | None]] = []
        for name, recording, text in zip(names, recordings, texts, strict=True):
            if text is not None and recording.seconds > LONGEST_TOLD:
                raise ModelError(
                    f"{name} lasts {recording.seconds:.0f} s; with transcripts, clips of at most {LONGEST_TOLD:g} s "
                    "are needed: cut it, or enrol without its transcript"
                )
            parts = [recording] if text is not None else recording.pieces(LONGEST)
            cut += [(f"{name}-{index}", part, text) for index, part in enumerate(parts) if len(part.pcm) >= SHORTEST]
        return Material([each[0] for each in cut], [each[1] for each in cut], [each[2] for each in cut], voices)


@dataclass(frozen=True, slots=True, eq=False)
class Teacher:
    """The published recogniser, in the forms that training needs.

    Attributes:
        engine: hears.
        encode: its encoder.
        tokenizer: its spelling.
        decoder: its decoder, through which gradients flow.
        reader: reads quiet recordings in place of the engine, loaded; None for the engine itself.
    """

    engine: SpeechEngine
    encode: EncodeSound
    tokenizer: Tokenizer
    decoder: MoonshineDecoder
    reader: Recogniser | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a profile is trained."""

    lips: LipRecipe
    fusion: LipFusionRecipe
    mixing: Mixing
    correspondence: CorrespondenceRecipe = field(default_factory=CorrespondenceRecipe)

    @staticmethod
    def suited(recordings: int, seed: int) -> Recipe:
        """The recipe for so many recordings: few are gone through more often."""
        lips, fusion = LipRecipe(seed), LipFusionRecipe(seed)
        return Recipe(
            replace(lips, epochs=max(lips.epochs, LEAST_LIP_STEPS * lips.batch // recordings)),
            replace(fusion, epochs=max(fusion.epochs, LEAST_STEPS * fusion.batch // recordings)),
            Mixing(seed),
            CorrespondenceRecipe(seed),
        )


def check_material(material: Material) -> None:
    """See whether recordings can teach anything.

    Raises:
        ModelError: they are too short, too noisy or show no mouth; the message says what was found.
    """
    minutes = sum(len(each.pcm) for each in material.recordings) / SAMPLE_RATE / 60
    if minutes < LEAST_MINUTES:
        raise ModelError(f"the recordings last {minutes:.1f} min; a profile needs {LEAST_MINUTES:g} min or more")
    frames = sum(len(each.lips.mask) for each in material.recordings)
    seen = sum(int(each.lips.mask.sum()) for each in material.recordings) / max(1, frames)
    if seen < LEAST_FACE:
        raise ModelError(
            f"the mouth is visible in {seen:.0%} of the recordings; a profile needs {LEAST_FACE:.0%}: "
            "face the camera, in good light"
        )
    ranges = [speech_range(each.sound) for each in material.recordings]
    if float(np.median(ranges)) < LEAST_RANGE:
        raise ModelError(
            f"the recordings are noisy: speech is {np.median(ranges):.0f} dB above the pauses, and should be "
            f"{LEAST_RANGE:g} dB or more; record in a quiet room"
        )


def reads_clean(clean: Mapping[str, Mapping[str, Any]], sureness: float) -> bool:
    """Whether a profile does clean speech no harm, as far as that can be told without transcripts.

    It comes nearer to what was read of several recordings together than the recogniser does of each by itself; or the
    recogniser is hardly less sure of its words. A profile that is better can be less sure.

    Args:
        clean: figures of clean speech held back, against what was read of it.
        sureness: mean log-probability of a token, less that without the profile.
    """
    return bool(clean[AUDIO_VISUAL]["wer"] < clean[BACKBONE]["wer"]) or sureness >= -MOST_DOUBT


def ready(networks: LipNetworks) -> LipFusion:
    """The fusion of networks that were just trained."""
    for network in (networks.lips, networks.fusion):
        network.eval()
    fusion = LipFusion(lambda: networks)
    fusion.load()
    return fusion


def visible(said: SpokenPrefix) -> tuple[int, ...]:
    """The tokens that a mouth shows: all but punctuation."""
    return tuple(token for token in said.tokens if token not in CLOSING_TOKENS)


def _spoken(words: Sequence[TimedWord], samples: int) -> tuple[float, float]:
    """Seconds at which speech begins and ends."""
    return (words[0].start, words[-1].end) if words else (0.0, samples / SAMPLE_RATE)


def learn(
    teacher: Teacher,
    recipe: Recipe,
    networks: LipNetworks,
    material: tuple[Sequence[LipReading], Sequence[Example]],
    out: Path,
    report: ProgressReport,
    device: torch.device = CPU,
) -> None:
    """Train all networks of a profile in place; resumable.

    Args:
        teacher: the recogniser.
        recipe: how.
        networks: to be trained.
        material: lips with what they say, and the same with sound.
        out: folder for what a resumed run needs.
        report: progress.
        device: where to train.

    Raises:
        ModelError: `out` holds another training.
    """
    readings, examples = material
    frozen = networks.lips, networks.fusion
    pretrain_lips(networks.lips, readings, recipe.lips, out, report, device)
    FusionTraining(*frozen, teacher.decoder, recipe.fusion, device).run(examples, out, report)
    train_correspondence(networks.correspondence, frozen, examples, recipe.correspondence, out, report, device)


def calibrate(correspondence: CorrespondenceNet, found: Sequence[float]) -> None:
    """Have the own lips accepted in nearly all recordings held back, by their evidence; see `LEAST_EVIDENCE`."""
    if found:
        asked = float(np.quantile(found, OWN_REFUSED))
        correspondence.offset.fill_(min(MOST_EVIDENCE, max(LEAST_EVIDENCE, asked)))


def prefixes(tokenizer: Tokenizer, words: Sequence[TimedWord]) -> tuple[SpokenPrefix, ...]:
    """What has been said when each word is over."""
    texts = [" ".join(word.text for word in words[: count + 1]) for count in range(len(words))]
    return tuple(
        SpokenPrefix(word.end, text, tuple(tokenizer.encode(text))) for word, text in zip(words, texts, strict=True)
    )


class Enrolment:
    """Makes a profile.

    Args:
        teacher: the recogniser.
        recipe: how.
        out: folder for what a resumed run needs.
        report: progress.
        device: where to train; judging is on the processor.
    """

    def __init__(
        self, teacher: Teacher, recipe: Recipe, out: Path, report: ProgressReport, device: torch.device = CPU
    ) -> None:
        self._teacher = teacher
        self._recipe = recipe
        self._out = out
        self._report = report
        self._device = device

    def run(self, material: Material, networks: LipNetworks) -> tuple[bool, dict[str, Any]]:
        """Train and judge a profile.

        Args:
            material: what to learn from.
            networks: the networks to begin with; trained in place.

        Returns:
            Whether the profile is accepted, and the word errors of backbone and profile on the recordings held back,
            clean and in babble.

        Raises:
            ModelError: the recordings cannot teach anything.
        """
        check_material(material)
        texts = self._texts(material)
        known = sum(map(bool, texts))
        if known < LEAST_KNOWN * len(texts):
            raise ModelError(
                f"what is said could be read surely in {known} of {len(texts)} recordings, too few to learn from: "
                "speak clearly, in a quiet room, or give the transcripts"
            )
        held = [index for index in range(len(texts)) if index % HELD_BACK == 0]
        train = [index for index in range(len(texts)) if index % HELD_BACK]
        examples = self._examples(material, texts, train)
        readings = [LipReading(each.lips, each.text or "", visible(each.words[-1])) for each in examples if each.words]
        learn(self._teacher, self._recipe, networks, (readings, examples), self._out, self._report, self._device)
        trials = [Trial(material.recordings[i], texts[i], material.voices) for i in held if texts[i]]
        if not trials:
            raise ModelError("nothing was heard in the recordings held back; a profile needs speech in most recordings")
        fusion = ready(networks)
        self._calibrate(networks.correspondence, fusion, trials)
        figures = evaluate(trials, _JUDGING, Systems(self._teacher.engine, None, fusion), 1, self._report)
        clean, babble = (figures[str(each)] for each in _JUDGING)
        if any(material.texts):
            return clean[AUDIO_VISUAL]["wer"] <= clean[BACKBONE]["wer"], figures
        sure = self._sureness(trials, fusion)
        return reads_clean(clean, sure) and babble[AUDIO_VISUAL]["wer"] < babble[BACKBONE]["wer"], figures

    def _calibrate(self, correspondence: CorrespondenceNet, fusion: LipFusion, trials: Sequence[Trial]) -> None:
        """See `calibrate`: in babble."""
        found, engine = [], self._teacher.engine
        for index, trial in enumerate(trials):
            sound, track = trial.recording.sound, trial.recording.lips
            if track.mask.any():
                noise = BABBLE.make(trial.voices, len(sound), np.random.default_rng([_CALIBRATING, index]))
                found.append(fusion.evidence(engine.encode(mixed(sound, noise, 0.0)), lip_samples(track)))
            self._report("weighing agreement", index + 1, len(trials), "")
        calibrate(correspondence, found)

    def _sureness(self, trials: Sequence[Trial], fusion: LipFusion) -> float:
        """How much surer the decoder is of clean speech with the profile: mean log-probability of a token."""
        engine, gains = self._teacher.engine, []
        for trial in trials:
            sound = trial.recording.sound
            encoding = engine.encode(sound)
            refined = fusion.fuse(encoding, sound, lip_samples(trial.recording.lips)).encoding
            gains.append(engine.decode(refined).mean_log_probability - engine.decode(encoding).mean_log_probability)
        return float(np.mean(gains))

    def _texts(self, material: Material) -> list[str]:
        """What is said in each recording: as it is told, or as it is read; empty where that is not sure."""
        asked = [index for index, text in enumerate(material.texts) if not text]
        sounds = [material.recordings[index].sound for index in asked]
        texts = [text or "" for text in material.texts]
        for index, text in zip(asked, self._heard(sounds), strict=True):
            texts[index] = text
        return texts

    def _heard(self, sounds: Sequence[Float32]) -> list[str]:
        """What is read in recordings. Without a text one still teaches what its frames are in quiet."""
        reader = self._teacher.reader or SplitRecogniser(self._teacher.engine, is_listener=False)
        heard = read_quietly(sounds, reader, self._report)
        return [each.text if each.confidence >= LEAST_CONFIDENCE else "" for each in heard]

    def _examples(self, material: Material, texts: Sequence[str], train: Sequence[int]) -> list[Example]:
        words = {material.names[index]: self._words(material, texts, index) for index in train}
        sounds = {material.names[index]: material.recordings[index].sound for index in train}
        encodings = cached_encodings(
            sounds,
            {name: _spoken(each, len(sounds[name])) for name, each in words.items()},
            material.voices,
            self._teacher.encode,
            self._recipe.mixing,
            self._out / "encodings",
            self._report,
        )
        return [
            Example(
                encodings[material.names[index]],
                lip_sequence(material.recordings[index].lips),
                texts[index] or None,
                prefixes(self._teacher.tokenizer, words[material.names[index]]),
            )
            for index in train
        ]

    def _words(self, material: Material, texts: Sequence[str], index: int) -> list[TimedWord]:
        """When the words of a text were spoken, from the decoder's attention to the quiet sound."""
        tokens = tuple(self._teacher.tokenizer.encode(captioned(texts[index])))
        if not tokens:
            return []
        self._report("placing words", index + 1, len(texts), "")
        engine = self._teacher.engine
        hypothesis = Hypothesis(tokens, (1.0,) * len(tokens), texts[index])
        return engine.align(engine.encode(material.recordings[index].sound), hypothesis)
