"""What `eval speech` tries: clips with transcripts, the voices to mix them with, and other people's lips."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from lipstream.models.av_speech.evaluation.conditions import Trial
from lipstream.models.av_speech.recording import Float32, LipTrack, Recording
from lipstream.models.av_speech.training.corpora import Utterance
from lipstream.models.av_speech.training.other_voices import media_in
from lipstream.models.errors import ModelError

_MOST_FACES = 20
"""Recordings of other people that are read for their lips."""
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
    faces: Sequence[LipTrack] | None = None,
) -> list[Trial]:
    """Trials of clips.

    Args:
        utterances: the clips, each with a text.
        recordings: the same, read.
        voices: what they are mixed with; None for the clips of the other speakers.
        faces: lips of other people; None for those of the other speakers.
    """
    speakers = [each.speaker for each in utterances]
    if voices is not None:
        others = dict.fromkeys(speakers, voices)
    else:
        pairs = list(zip(speakers, recordings, strict=True))
        others = {one: [each.sound for speaker, each in pairs if speaker != one] for one in set(speakers)}
    trials = []
    for at, (utterance, each) in enumerate(zip(utterances, recordings, strict=True)):
        rest = [(speakers[k], r.lips) for k, r in enumerate(recordings) if k != at and r.lips.mask.any()]
        rng = np.random.default_rng(at)
        strangers = [lips for who, lips in rest if who != utterance.speaker] if faces is None else faces
        own = [lips for who, lips in rest if who == utterance.speaker]
        trials.append(
            Trial(
                each,
                utterance.text or "",
                others[utterance.speaker],
                utterance.words,
                mismatched=_one(strangers, rng),
                elsewhen=_one(own, rng),
            )
        )
    return trials


def _one(tracks: Sequence[LipTrack], rng: np.random.Generator) -> LipTrack | None:
    return tracks[int(rng.integers(len(tracks)))] if tracks else None


def find_faces(folder: Path) -> list[Utterance]:
    """Recordings of other people in a folder and the folders within, some spread over all where there are many.

    Raises:
        ModelError: there are none.
    """
    files = media_in(folder)
    if not files:
        raise ModelError(f"{folder}: expected recordings of other people's faces (MP4, WebM and the like), found none")
    some = files[:: -(-len(files) // _MOST_FACES)]
    # Names of files may come twice in different folders.
    return [Utterance(path, f"{index}_{path.stem}", "", None) for index, path in enumerate(some)]


def seen_lips(recordings: Iterable[Recording]) -> list[LipTrack]:
    """The lips of recordings from the first moment on in which there are any.

    Raises:
        ModelError: there are none in any of them.
    """
    found = [each.lips.since(int(each.lips.mask.argmax())) for each in recordings if each.lips.mask.any()]
    if not found:
        raise ModelError("no lips are seen in the recordings of other people; expected faces")
    return found
