"""Recordings of a corpus, read once and kept: looking at faces is the slow part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from models.av_speech.corpora import Utterance
from models.av_speech.recording import Recording, load_recording, save_recording
from models.emotion.progress import Report
from models.errors import ModelError

Read = Callable[[Path], Recording]
"""Reads a media file."""


def cached_recordings(utterances: Sequence[Utterance], read: Read, cache: Path, report: Report) -> list[Recording]:
    """The recordings of utterances, from the cache where they are in it.

    Raises:
        ModelError: a clip cannot be read, or the cache cannot be written.
    """
    recordings = []
    for index, utterance in enumerate(utterances):
        path = cache / f"{utterance.name}.safetensors"
        if path.exists():
            recordings.append(load_recording(path))
        else:
            recordings.append(read(utterance.path))
            try:
                save_recording(recordings[-1], path)
            except OSError as error:
                raise ModelError(f"{cache}: cannot be written ({error.strerror}); choose another --out") from None
        report("reading faces and voices", index + 1, len(utterances), utterance.name)
    return recordings
