"""How far the times of recognised words are from a corpus's own alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lipstream.models.av_speech.evaluation.conditions import Systems, Trial
from lipstream.models.av_speech.evaluation.word_errors import right_words
from lipstream.models.training.progress import ProgressReport

WORD_TIMES = "word times"


def word_time_errors(trials: Sequence[Trial], systems: Systems, report: ProgressReport) -> dict[str, dict[str, Any]]:
    """Errors of the times of words on clean sound, by system, over the words that were recognised rightly.

    Args:
        trials: those that tell when their words are spoken count.
        systems: what is compared.
        report: progress.

    Returns:
        By system "words" that were spoken, those that were "right", and of `start` and `end` and of both together
        ("edges") the "median" and 90th percentile ("p90") of the error in milliseconds, None where no word was right.
        Empty if no trial tells when its words are spoken.
    """
    timed = [trial for trial in trials if trial.words]
    errors: dict[str, list[tuple[float, float]]] = {}
    for index, trial in enumerate(timed):
        sound = trial.recording.sound
        for name, fused in systems.fused(sound, trial.recording.lips).items():
            heard = systems.words(fused, sound)
            pairs = right_words([word.text for word in trial.words], [word.text for word in heard])
            errors.setdefault(name, []).extend(
                (heard[at].start - trial.words[said].start, heard[at].end - trial.words[said].end) for said, at in pairs
            )
        report(WORD_TIMES, index + 1, len(timed), "")
    words = sum(len(trial.words) for trial in timed)
    return {name: {"words": words, "right": len(each)} | _summary(each) for name, each in errors.items()}


def _summary(errors: Sequence[tuple[float, float]]) -> dict[str, dict[str, int] | None]:
    if not errors:
        return dict.fromkeys(("start", "end", "edges"))
    starts, ends = np.abs(np.array(errors)).T * 1000
    return {
        name: {"median": round(float(np.median(each))), "p90": round(float(np.percentile(each, 90)))}
        for name, each in (("start", starts), ("end", ends), ("edges", np.concatenate([starts, ends])))
    }
