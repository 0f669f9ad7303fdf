"""Training of the fusion: what the frozen decoder writes from refined frames should be what was said.

The decoder is part of the loss (cross-entropy through it), so frames need not look like clean ones, they need to be
read like them. A CTC loss on the states keeps sound and lips in step, and where a transcript is missing the clean
frames are what the noisy ones should become (distillation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lipstream.models.av_speech.characters import spell
from lipstream.models.av_speech.encoder_frames import frame_times
from lipstream.models.av_speech.fusion_net import Fused, FusionNet
from lipstream.models.av_speech.lip_input import INPUTS
from lipstream.models.av_speech.lip_net import LipNet
from lipstream.models.av_speech.recording import LIP_RATE
from lipstream.models.av_speech.training.batches import IGNORED, half_precision, real, shuffled, stacked, taught
from lipstream.models.av_speech.training.encodings import EncodedStretch, Encodings
from lipstream.models.av_speech.training.lip_augment import LipSequence, drop_frames
from lipstream.models.av_speech.training.lips import ctc
from lipstream.models.av_speech.training.mismatched_lips import mismatched_lips
from lipstream.models.av_speech.training.recording_fingerprint import of_lips
from lipstream.models.speech.fusion import LIP_MARGIN
from lipstream.models.speech.tokenizer import END
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.device import CPU
from lipstream.models.training.fingerprint import Part, fingerprint
from lipstream.models.training.loop import Task, TrainingRun, one_adamw_cycle
from lipstream.models.training.progress import ProgressReport
from lipstream.models.training.torch_decoder import MoonshineDecoder

LATE: Final = 0.05
"""Seconds of a word that may be missing at the end of a stretch and it still counts as said."""
SAMPLED: Final = 2048
"""Tokens that stand for those of the vocabulary that are in no text."""


@dataclass(frozen=True, slots=True)
class LipFusionRecipe:
    """How the fusion is trained.

    Attributes:
        seed: everything random follows from it.
        epochs: passes over the recordings.
        batch: recordings a step.
        learning_rate: peak of one cycle, AdamW.
        lip_rate: the lip network's learning rate in parts of that.
        smoothing: label smoothing of the cross-entropy.
        character_weight: of the CTC loss.
        distil_weight: of the distance to the clean frames, for recordings without a transcript.
        clean: share of the examples with clean sound.
        muted: share with no sound at all, from which the lips alone must be read.
        masked: share without lips, so that they never are relied on.
        mismatched: share with lips that do not belong to the sound, which are to be ignored.
        skew: seconds by which lips are shifted against the sound at most.
    """

    seed: int = 0
    epochs: int = 14
    batch: int = 12
    learning_rate: float = 8e-4
    lip_rate: float = 0.5
    smoothing: float = 0.1
    character_weight: float = 0.3
    distil_weight: float = 1.0
    clean: float = 0.15
    muted: float = 0.12
    masked: float = 0.15
    mismatched: float = 0.08
    skew: float = 0.12


@dataclass(frozen=True, slots=True)
class SpokenPrefix:
    """The beginning of what is said in a recording.

    Attributes:
        end: seconds at which its last word ends.
        text: the words.
        tokens: the same as the decoder writes it.
    """

    end: float
    text: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A recording to train on.

    Attributes:
        sound: its encoder frames, alone and in mixtures.
        lips: its lips.
        text: what is said, None where that is not known.
        words: when each word ends in seconds, with the text up to it as the decoder writes it; empty where no text is
            known.
    """

    sound: Encodings
    lips: LipSequence
    text: str | None
    words: tuple[SpokenPrefix, ...]

    def until(self, seconds: float) -> SpokenPrefix | None:
        """What has been said by a time; None before the first word is over."""
        return next((word for word in reversed(self.words) if word.end <= seconds + LATE), None)


def data_of(examples: Sequence[Example]) -> str:
    """Fingerprint of what is learnt from."""
    parts: list[Part] = []
    for each in examples:
        parts += [of_lips(each.lips), str(each.text), str(each.words)]
        parts += [stretch.frames for stretch in (each.sound.clean, *each.sound.noisy)]
    return fingerprint(parts)


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """An example as training varies it.

    Attributes:
        frames: (T, 288) encoder frames.
        lips: (L, INPUTS) input of the lip network.
        mask: (L,) lips seen.
        offset: seconds from the first encoded sample to the first lip frame.
        said: what the decoder should write, None where that is not known.
        clean: (T, 288) frames that these should become instead.
    """

    frames: Tensor
    lips: Tensor
    mask: Tensor
    offset: float
    said: SpokenPrefix | None
    clean: Tensor


class FusionTraining:
    """One training of lip network and fusion, resumable after every epoch.

    Args:
        lips: the lip network.
        fusion: the fusion network.
        decoder: the frozen decoder, through which gradients flow.
        recipe: how.
        device: where; outside `run` all networks are on the processor.
    """

    def __init__(
        self,
        lips: LipNet,
        fusion: FusionNet,
        decoder: MoonshineDecoder,
        recipe: LipFusionRecipe,
        device: torch.device = CPU,
    ) -> None:
        self.lips = lips
        self.fusion = fusion
        self._decoder = decoder
        self._recipe = recipe
        self._device = device
        self._known = np.array([END])

    def run(self, examples: Sequence[Example], out: Path, report: ProgressReport) -> None:
        """Train in place; the networks are in inference mode afterwards.

        Raises:
            ModelError: `out` holds another training.
        """
        recipe, networks = self._recipe, (self.lips, self.fusion, self._decoder)
        for network in networks:
            network.to(self._device)
        lip_parameters = [p for name, p in self.lips.named_parameters() if not name.startswith("characters")]
        groups = [
            {"params": list(self.fusion.parameters()), "lr": recipe.learning_rate},
            {"params": lip_parameters, "lr": recipe.learning_rate * recipe.lip_rate},
        ]
        self._known = np.unique([END, *(token for each in examples for word in each.words for token in word.tokens)])
        facts = {"recipe": asdict(recipe), "recordings": len(examples), "data": data_of(examples)}
        trained: dict[str, nn.Module] = {"lips": self.lips, "fusion": self.fusion}
        run = TrainingRun(Checkpoint(out, "fusion"), trained, one_adamw_cycle(groups, recipe.seed), facts)
        task = Task(
            "training the fusion",
            lambda random: shuffled(len(examples), recipe.batch, random.rng),
            lambda chosen, random: self._loss([examples[index] for index in chosen], examples, random.rng),
        )
        for each in trained.values():
            each.train().requires_grad_(True)
        run.train(task, recipe.epochs, report)
        for network in networks:
            network.to(CPU).eval()

    def _loss(self, chosen: Sequence[Example], everybody: Sequence[Example], rng: np.random.Generator) -> Tensor:
        drawn = [_draw(each, everybody, self._recipe, rng) for each in chosen]
        offsets = torch.tensor([[each.offset] for each in drawn], dtype=torch.float32)
        frames, lips, masks = ([getattr(each, name) for each in drawn] for name in ("frames", "lips", "mask"))
        with half_precision(self._device):
            fused = fuse_batch(self.lips, self.fusion, frames, lips, masks, offsets)
        fused = Fused(*(each.float() for each in fused))
        lengths = [len(each.frames) for each in drawn]
        heard = real(lengths).to(self._device)
        told = [index for index, each in enumerate(drawn) if each.said is not None]
        untold = [index for index, each in enumerate(drawn) if each.said is None]
        loss = fused.features.new_zeros(())
        if told:
            said = [each.said for each in drawn if each.said is not None]
            texts = [each.tokens for each in said]
            loss = loss + self._cross_entropy(fused.features[told], heard[told], texts, rng)
            scores = self.fusion.character_scores(fused.hidden[told])
            spelled = [spell(each.text) for each in said]
            loss = loss + self._recipe.character_weight * ctc(scores, [lengths[index] for index in told], spelled)
        if untold:
            clean = stacked([drawn[index].clean for index in untold], fused.features.shape[1]).to(self._device)
            counted = heard[untold]
            distance = distil(fused.features[untold][counted], clean[counted])
            loss = loss + self._recipe.distil_weight * distance
        return loss

    def _cross_entropy(
        self, features: Tensor, mask: Tensor, texts: Sequence[Sequence[int]], rng: np.random.Generator
    ) -> Tensor:
        given, wanted = (each.to(self._device) for each in taught(texts))
        with half_precision(self._device):
            hidden = self._decoder(given, features, mask).hidden
        counted = wanted != IGNORED
        scores, place = self._scores(hidden[counted].float(), rng)
        return F.cross_entropy(scores, place[wanted[counted]], label_smoothing=self._recipe.smoothing)

    def _scores(self, hidden: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Scores of the tokens of all texts and of some others in the place of the rest, and the column of each token.

        A sampled softmax: most of the vocabulary never comes near, and to score all of it is a quarter of a step.
        """
        vocabulary = self._decoder.embed_tokens.weight
        rest = np.setdiff1d(np.arange(len(vocabulary)), self._known)
        drawn = rng.choice(rest, min(SAMPLED, len(rest)), replace=False)
        columns = torch.from_numpy(np.concatenate((self._known, drawn)))
        place = torch.full((len(vocabulary),), IGNORED)
        place[columns] = torch.arange(len(columns))
        columns, place = columns.to(vocabulary.device), place.to(vocabulary.device)
        scores = F.linear(hidden, vocabulary[columns])
        scores[:, len(self._known) :] += math.log(max(1, len(rest)) / max(1, len(drawn)))
        return scores, place


def fuse_batch(
    lip_net: LipNet,
    fusion: FusionNet,
    frames: Sequence[Tensor],
    lips: Sequence[Tensor],
    masks: Sequence[Tensor],
    offsets: Tensor,
) -> Fused:
    """Run both networks, on the device that they are on.

    Args:
        lip_net: the lip network.
        fusion: the fusion network.
        frames: (T, 288) encoder frames of each recording.
        lips: (L, INPUTS) lip input of each.
        masks: (L,) lips seen, of each.
        offsets: (B, 1) seconds from the first encoded sample to the first lip frame.
    """
    device = lip_net.mean.device
    features, mask = stacked(frames).to(device), stacked(masks).to(device)
    sound_mask = real([len(each) for each in frames]).to(device)
    states = lip_net(stacked(lips).to(device), mask)
    times = frame_times(features.shape[1]).to(device)
    lip_times = torch.arange(mask.shape[1]) / LIP_RATE + offsets
    fused: Fused = fusion(features, times, states, lip_times.to(device), mask, sound_mask)
    return fused


def distil(features: Tensor, clean: Tensor) -> Tensor:
    """Distance of (N, 288) frames to clean ones: smooth L1, and one minus the cosine."""
    return F.smooth_l1_loss(features, clean) + (1 - F.cosine_similarity(features, clean, dim=-1)).mean()


def _draw(example: Example, everybody: Sequence[Example], recipe: LipFusionRecipe, rng: np.random.Generator) -> _Drawn:
    stretch = _stretch(example, recipe, rng)
    muted = stretch is example.sound.silent
    fate = rng.random()
    mismatched = not muted and recipe.masked <= fate < recipe.masked + recipe.mismatched
    shown = mismatched_lips(example.lips, [each.lips for each in everybody], rng) if mismatched else example.lips
    lips, mask = _lips(shown, stretch, rng)
    if not muted and fate < recipe.masked:
        mask = torch.zeros_like(mask)
    offset = _first(stretch) / LIP_RATE - stretch.start + float(rng.uniform(-recipe.skew, recipe.skew))
    said = example.until(stretch.end) or SpokenPrefix(0.0, "", ()) if example.words else None
    clean = torch.from_numpy(example.sound.clean.frames).float()
    return _Drawn(torch.from_numpy(stretch.frames).float(), lips, mask, offset, said, clean)


def _stretch(example: Example, recipe: LipFusionRecipe, rng: np.random.Generator) -> EncodedStretch:
    kind, sound = rng.random(), example.sound
    if example.words and bool(example.lips.mask.any()) and kind < recipe.muted:
        return sound.silent
    if kind < recipe.muted + recipe.clean or not sound.noisy:
        return sound.clean
    drawn = sound.noisy[int(rng.integers(len(sound.noisy)))]
    # Without words the clean frames are what is aimed at, and there are those of the whole recording only.
    return drawn if example.words or len(drawn.frames) == len(sound.clean.frames) else sound.clean


def _lips(lips: LipSequence, stretch: EncodedStretch, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Input and mask of the lip frames of a stretch, with the margin that the fusion stage gives."""
    end = int((stretch.end + LIP_MARGIN) * LIP_RATE) + 1
    part = lips.part(slice(_first(stretch), end))
    if not len(part.mask):
        return torch.zeros(1, INPUTS), torch.zeros(1, dtype=torch.bool)
    return part.varied(rng), drop_frames(part.mask, rng)


def _first(stretch: EncodedStretch) -> int:
    return max(0, int((stretch.start - LIP_MARGIN) * LIP_RATE))
