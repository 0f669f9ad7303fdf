"""What `eval speech` tries: clips with transcripts, the voices to mix them with, and other people's lips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.av_speech.corpora import Utterance
from models.av_speech.evaluation import Trial
from models.av_speech.recording import Float32, LipTrack, Recording
from models.errors import ModelError

_NAMED = 3
"""Names of missing clips that a message gives."""


def chosen_clips(utterances: Sequence[Utterance], data: Path, names: Path | None) -> list[Utterance]:
    """The utterances to try: those with a transcript, or of these the ones that a file names, one a line.

    Raises:
        ModelError: the file cannot be read or names clips that are not there, or nothing is left.
    """
    told = [each for each in utterances if each.text]
    if not told:
        raise ModelError(f"{data}: {len(utterances)} clips, but none has a transcript; expected what is said in each")
    if names is None:
        return told
    try:
        lines = [line.strip() for line in names.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ModelError(f"--clips {names}: cannot be read ({why}); expected names of clips, one a line") from None
    wanted = dict.fromkeys(line for line in lines if line)
    if not wanted:
        raise ModelError(f"--clips {names}: expected names of clips, one a line; it is empty")
    missing = [name for name in wanted if name not in {each.name for each in told}]
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise ModelError(
            f"--clips {names}: {', '.join(map(repr, missing[:_NAMED]))}{more}: no such clip with a transcript in {data}"
        )
    return [each for each in told if each.name in wanted]


def make_trials(
    utterances: Sequence[Utterance],
    recordings: Sequence[Recording],
    voices: Sequence[Float32] | None,
) -> list[Trial]:
    """Trials of clips.

    Args:
        utterances: the clips, each with a text.
        recordings: the same, read.
        voices: what they are mixed with; None for the clips of the other speakers.
    """
    speakers = [each.speaker for each in utterances]
    if voices is not None:
        others = dict.fromkeys(speakers, voices)
    else:
        pairs = list(zip(speakers, recordings, strict=True))
        others = {one: [each.sound for speaker, each in pairs if speaker != one] for one in set(speakers)}
    return [
        Trial(
            each, utterance.text or "", others[utterance.speaker], utterance.words, _foreign(at, speakers, recordings)
        )
        for at, (utterance, each) in enumerate(zip(utterances, recordings, strict=True))
    ]


def _foreign(at: int, speakers: Sequence[str], recordings: Sequence[Recording]) -> LipTrack | None:
    """The lips of another clip, of another speaker where there is one; None if nobody else is seen."""
    others = [index for index, each in enumerate(recordings) if index != at and each.lips.mask.any()]
    strangers = [index for index in others if speakers[index] != speakers[at]]
    if not others:
        return None
    return recordings[int(np.random.default_rng(at).choice(strangers or others))].lips
