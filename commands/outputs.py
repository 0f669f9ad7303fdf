"""The files a run leaves: their names, and that they are complete when it is over."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from pipeline import UserError
from stages.sinks import FORMATS, Writer

log = logging.getLogger(__name__)

SAVE_SECONDS = 60.0
"""Longest wait for a file to be completed after its run has ended."""


class Outputs:
    """The writers of one run, as a context: opened on entry, and on exit none is left half done.

    Args:
        folder: where the files go; made if it is missing.
        stem: their common name.
        formats: keys of `FORMATS`; none for a run that keeps nothing.
        source: what is transcribed: a path, for which no output must be mistaken, or a word.
    """

    def __init__(self, folder: Path, stem: str, formats: Iterable[str], source: Path | str) -> None:
        self._source = source
        self.writers: dict[str, Writer] = {
            name: FORMATS[name](folder / f"{stem}.{name}", str(source)) for name in formats
        }

    def __enter__(self) -> Outputs:
        """Begin every file.

        Raises:
            UserError: one cannot be written, or would replace the input.
        """
        try:
            for writer in self.writers.values():
                if isinstance(self._source, Path) and _same_file(writer.path, self._source):
                    raise UserError(f"{writer.path} is the input itself; choose another folder with -o")
                writer.open()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def settle(self) -> None:
        """Wait until every file is complete: after a stop the writers may still have a queue to work off."""
        for writer in self.writers.values():
            if not writer.wait(SAVE_SECONDS):
                log.warning("%s is not complete; what there is of it is in %s", writer.path, writer.part)

    @property
    def saved(self) -> list[Path]:
        """The files that are complete."""
        return [writer.path for writer in self.writers.values() if writer.saved]

    def _discard(self) -> None:
        for writer in self.writers.values():
            if not writer.used:
                writer.discard()


def unique_stems(inputs: Sequence[Path]) -> list[str]:
    """A name for the outputs of each input: its stem, or stem-2, stem-3 where that is taken."""
    taken: set[str] = set()
    stems = []
    for path in inputs:
        stem, number = path.stem, 1
        # Two names that differ by case only are one file on many disks.
        while stem.casefold() in taken:
            number += 1
            stem = f"{path.stem}-{number}"
        taken.add(stem.casefold())
        stems.append(stem)
    return stems


def names(paths: Sequence[Path]) -> str:
    """Several outputs of one stem in a few words: `out/talk.txt, .srt, .json`."""
    if not paths:
        return ""
    return ", ".join([str(paths[0]), *(path.suffix for path in paths[1:])])


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
