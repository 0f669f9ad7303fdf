"""`train speech` without its command line: from folders of talking faces to weights and a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from models.av_speech.corpora import find_utterances
from models.av_speech.features import Read, cached_recordings
from models.av_speech.own_voice_data import Hear, Sample, cached_samples
from models.av_speech.train_own_voice import OwnVoiceRecipe, is_usable, judge, left_out, train_own_voice
from models.emotion.checkpoint import save_weights
from models.emotion.progress import Report
from models.errors import ModelError

OWN_VOICE_WEIGHTS: Final = "own_voice.safetensors"


def train_own_voice_on(
    data: Sequence[Path], out: Path, recipe: OwnVoiceRecipe, read: Read, hear: Hear, report: Report
) -> dict[str, Any]:
    """Train on one part of the speakers and judge on the other.

    Args:
        data: folders of recordings.
        out: folder for weights, caches and what a resumed run needs.
        recipe: how.
        read: reads a recording.
        hear: the speech encoder.
        report: progress.

    Returns:
        The recipe, and the figures of `judge` on the speakers left out; by source, too, where there are several.

    Raises:
        ModelError: nothing usable is there.
    """
    utterances = [each for folder in data for each in find_utterances(folder)]
    recordings = cached_recordings(utterances, read, out / "recordings", report)
    names, speakers = [each.name for each in utterances], [each.speaker for each in utterances]
    samples = cached_samples(names, speakers, recordings, hear, out / "own_voice", report)
    usable = [(u, s) for u, s in zip(utterances, samples, strict=True) if is_usable(s)]
    judging = [pair for pair in usable if left_out(pair[0].speaker)]
    if len({pair[0].speaker for pair in judging}) < 2:
        raise ModelError("expected recordings of ten or more speakers: one in five is left out to judge, by name")
    network = train_own_voice([s for u, s in usable if not left_out(u.speaker)], recipe, out, report)
    save_weights(network, out / OWN_VOICE_WEIGHTS, {"recipe": str(asdict(recipe))})
    figures: dict[str, Any] = {"all": judge(network, [s for _, s in judging])}
    for source in sorted({u.source for u, _ in judging if u.source}):
        of_source: list[Sample] = [s for u, s in judging if u.source == source]
        if len({each.speaker for each in of_source}) > 1:
            figures[source] = judge(network, of_source)
    return {"recipe": asdict(recipe), "recordings": len(usable) - len(judging), "left out": figures}
