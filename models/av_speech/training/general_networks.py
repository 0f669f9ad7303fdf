"""The networks of the general fusion, from folders of talking faces to weights and a report: all of `train speech`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch

from lipstream.models.av_speech.active_speaker_net import ActiveSpeakerNet
from lipstream.models.av_speech.general_fusion import ACTIVE_SPEAKER, TARGET_MASK
from lipstream.models.av_speech.recording import Float32, Recording
from lipstream.models.av_speech.training.active_speaker import (
    ActiveSpeakerRecipe,
    data_of,
    is_usable,
    judge,
    left_out,
    train_active_speaker,
)
from lipstream.models.av_speech.training.active_speaker_data import Hear, Sample, cached_samples
from lipstream.models.av_speech.training.corpora import Utterance, find_utterances
from lipstream.models.av_speech.training.export import export_active_speaker, export_target_mask
from lipstream.models.av_speech.training.features import Read, cached_recordings
from lipstream.models.av_speech.training.target_mask import TargetMaskRecipe, judge_target_mask, train_target_mask
from lipstream.models.av_speech.training.target_mask_data import Mixture, Speaker, make_mixtures
from lipstream.models.errors import ModelError
from lipstream.models.training.device import CPU
from lipstream.models.training.fingerprint import fingerprint
from lipstream.models.training.progress import ProgressReport
from lipstream.models.weights import save_weights

_JUDGED: Final = 200
"""Mixtures of speakers left out that judge the mask."""


@dataclass(frozen=True, slots=True, eq=False)
class _Clip:
    utterance: Utterance
    recording: Recording
    sample: Sample


def train_general(
    data: Sequence[Path],
    voices: Sequence[Float32],
    out: Path,
    recipes: tuple[ActiveSpeakerRecipe, TargetMaskRecipe],
    read: Read,
    hear: Hear,
    report: ProgressReport,
    device: torch.device = CPU,
) -> dict[str, Any]:
    """Train what serves people whom nobody enrolled: on one part of the speakers, and judge on the other.

    Args:
        data: folders of recordings.
        voices: of other people, who are not seen; may be empty.
        out: folder for weights, caches and what a resumed run needs.
        recipes: how.
        read: reads a recording.
        hear: the speech encoder.
        report: progress.
        device: where to train; judging is on the processor.

    Returns:
        The recipes, and figures on the speakers left out; of `judge` by source, too, where there are several.

    Raises:
        ModelError: nothing usable is there.
    """
    clips = _read(data, out, read, hear, report)
    judging = [each for each in clips if left_out(each.utterance.speaker)]
    learning = [each for each in clips if not left_out(each.utterance.speaker)]
    if len({each.utterance.speaker for each in judging}) < 2:
        raise ModelError("expected recordings of ten or more speakers: one in five is left out to judge, by name")
    active_speaker, target_mask = recipes
    network = train_active_speaker([each.sample for each in learning], active_speaker, out, report, device)
    weights = (out / ACTIVE_SPEAKER.name).with_suffix(".safetensors")
    save_weights(network, weights, {"recipe": str(asdict(active_speaker))})
    export_active_speaker(out)

    def mixtures(of: Sequence[_Clip], others: Sequence[Float32], count: int, seed: int) -> list[Mixture]:
        speakers = [Speaker(each.utterance.speaker, each.recording.sound, each.sample.lips) for each in of]
        return make_mixtures(speakers, others, count, seed, hear, network, _told(report))

    made = mixtures(learning, voices, target_mask.mixtures, target_mask.seed)
    of = fingerprint((data_of([each.sample for each in learning]), str(asdict(active_speaker)), *voices))
    mask = train_target_mask(made, target_mask, out, report, of, device)
    save_weights(mask, (out / TARGET_MASK.name).with_suffix(".safetensors"), {"recipe": str(asdict(target_mask))})
    export_target_mask(out)
    return {
        "recipe": {"own voice": asdict(active_speaker), "voice mask": asdict(target_mask)},
        "recordings": len(learning),
        "left out": _figures(network, judging),
        "mask, left out": judge_target_mask(mask, mixtures(judging, (), _JUDGED, target_mask.seed + 1)),
    }


def _read(data: Sequence[Path], out: Path, read: Read, hear: Hear, report: ProgressReport) -> list[_Clip]:
    utterances = [each for folder in data for each in find_utterances(folder)]
    recordings = cached_recordings(utterances, read, out / "recordings", report)
    names, speakers = [each.name for each in utterances], [each.speaker for each in utterances]
    samples = cached_samples(names, speakers, recordings, hear, out / "own_voice", report)
    clips = (_Clip(*each) for each in zip(utterances, recordings, samples, strict=True))
    return [each for each in clips if is_usable(each.sample)]


def _told(report: ProgressReport) -> Callable[[int, int], None]:
    return lambda done, total: report("mixing voices", done, total, "")


def _figures(network: ActiveSpeakerNet, judging: Sequence[_Clip]) -> dict[str, Any]:
    figures: dict[str, Any] = {"all": judge(network, [each.sample for each in judging])}
    for source in sorted({each.utterance.source for each in judging if each.utterance.source}):
        samples = [each.sample for each in judging if each.utterance.source == source]
        if len({each.speaker for each in samples}) > 1:
            figures[source] = judge(network, samples)
    return figures
