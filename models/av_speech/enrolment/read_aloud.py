"""What a user has read aloud so far, kept until the profile is made: sentence by sentence, sound and lips."""

from __future__ import annotations

import contextlib
import csv
from pathlib import Path

from lipstream.models.av_speech.recording import SAMPLE_RATE, Recording
from lipstream.models.av_speech.training.recording_files import load_recording, save_recording
from lipstream.models.errors import ModelError
from lipstream.models.whole_file import whole_file

_TABLE = "read.tsv"
_COLUMNS = ("clip", "transcript", "seconds")


class Readings:
    """Sentences that were read, in a folder of their own.

    A run that is killed leaves whole sentences only.

    Args:
        folder: made when the first sentence comes.

    Attributes:
        changed: whether a sentence came or went since.

    Raises:
        ModelError: what lies in the folder is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.changed = False
        self._folder = folder
        self._rows: list[tuple[str, str, float]] = self._read()

    @property
    def texts(self) -> list[str]:
        """What was read, in order."""
        return [text for _, text, _ in self._rows]

    @property
    def names(self) -> list[str]:
        """Names of the recordings, in order."""
        return [name for name, _, _ in self._rows]

    @property
    def seconds(self) -> float:
        """How long all of them last together."""
        return sum(seconds for _, _, seconds in self._rows)

    def add(self, text: str, recording: Recording) -> None:
        """Keep a sentence.

        Raises:
            ModelError: the folder cannot be written.
        """
        name = f"read-{self._number() + 1:04d}"
        row = (name, text, round(len(recording.pcm) / SAMPLE_RATE, 2))
        save_recording(recording, self._path(name))
        self._write([*self._rows, row])

    def drop_last(self) -> str | None:
        """Forget the last sentence; returns it, None if there is none.

        Raises:
            ModelError: the folder cannot be written.
        """
        if not self._rows:
            return None
        name, text, _ = self._rows[-1]
        self._write(self._rows[:-1])
        with contextlib.suppress(OSError):  # it is in no list any more, and the next one takes its place
            self._path(name).unlink(missing_ok=True)
        return text

    def recordings(self) -> list[Recording]:
        """All that was read, in order.

        Raises:
            ModelError: a file is missing or damaged.
        """
        return [load_recording(self._path(name)) for name in self.names]

    def _number(self) -> int:
        return max((int(name.rpartition("-")[2]) for name in self.names), default=0)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.safetensors"

    def _write(self, rows: list[tuple[str, str, float]]) -> None:
        with whole_file(self._folder / _TABLE) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter="\t", lineterminator="\n").writerows([_COLUMNS, *rows])
        self._rows, self.changed = rows, True

    def _read(self) -> list[tuple[str, str, float]]:
        path = self._folder / _TABLE
        if not path.exists():
            return []
        try:
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file, delimiter="\t"))
            return [(row["clip"], row["transcript"], float(row["seconds"])) for row in rows]
        except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{path}: not a list of what was read ({error}); delete {self._folder} to begin again"
            ) from None
