"""Recordings of a corpus, read once and kept: looking at faces is the slow part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lipstream.models.av_speech.recording import Recording
from lipstream.models.av_speech.training.corpora import Utterance
from lipstream.models.av_speech.training.recording_files import load_recording, recording_origin, save_recording
from lipstream.models.training.progress import ProgressReport

Read = Callable[[Path], Recording]
"""Reads a media file."""


def cached_recordings(
    utterances: Sequence[Utterance], read: Read, cache: Path, report: ProgressReport
) -> list[Recording]:
    """The recordings of utterances, from the cache where they are in it.

    A clip whose file is another one than when it was put there, or has changed, is read again.

    Raises:
        ModelError: a clip cannot be read, or the cache cannot be written.
    """
    recordings = []
    for index, utterance in enumerate(utterances):
        path = cache / f"{utterance.name}.safetensors"
        origin = _origin(utterance.path)
        if path.exists() and recording_origin(path) in ("", origin):
            recordings.append(load_recording(path))
        else:
            recordings.append(read(utterance.path))
            save_recording(recordings[-1], path, origin)
        report("reading faces and voices", index + 1, len(utterances), utterance.name)
    return recordings


def _origin(path: Path) -> str:
    """Tells a file, as it is now, from others."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{path.resolve()} {found.st_size} {found.st_mtime_ns}"
