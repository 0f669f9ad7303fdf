"""The files a run leaves: their names, and that they are complete when it is over."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from lipstream.config import Config
from lipstream.pipeline import UserError
from lipstream.plugins import WRITERS
from lipstream.stages.sinks import EMOTION_FORMAT, EmotionVttWriter, Writer, writer_class

log = logging.getLogger(__name__)

_LONGEST_STEM = 220
"""Bytes: names of files have at most 255, of which endings such as `.emotion.csv.part` need some."""
SAVE_SECONDS = 60.0
"""Longest wait for a file to be completed after its run has ended."""


class Outputs:
    """The writers of one run, as a context: opened on entry, and on exit none is left half done.

    Args:
        folder: where the files go; made if it is missing.
        stem: their common name.
        writers: of `writers_for`; none for a run that keeps nothing.
        source: what is transcribed: a path, for which no output must be mistaken, or a word.
    """

    def __init__(self, folder: Path, stem: str, writers: Mapping[str, type[Writer]], source: Path | str) -> None:
        self._source = source
        self.writers: dict[str, Writer] = {
            name: writer(folder / f"{stem}.{name}", str(source)) for name, writer in writers.items()
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

    @property
    def failures(self) -> list[str]:
        """Why files of a live run are not complete, a line each."""
        return [writer.failure for writer in self.writers.values() if writer.failure is not None]

    @property
    def remarks(self) -> str:
        """What is to be known about the files, to be put behind the closing line; empty if nothing is."""
        told = dict.fromkeys(writer.remark for writer in self.writers.values() if writer.saved and writer.remark)
        return "".join(f"; {each}" for each in told)

    def _discard(self) -> None:
        for writer in self.writers.values():
            if not writer.used:
                writer.discard()


def writers_for(
    formats: Iterable[str], emotion: bool, vtt_emotion: bool, config: Config | None = None
) -> dict[str, type[Writer]]:
    """The writers of a run, by format.

    Args:
        formats: names of formats, as `parse_formats` gives them.
        emotion: whether emotions are judged; without, there is no table of them.
        vtt_emotion: whether the cues of VTT are marked with emotions.
        config: what the formats are told of the run; None leaves them as they are by default.

    Raises:
        UserError: nothing but emotions is to be written, or cues are to be marked, but there will be no emotions; or
            cues are to be marked, but there will be no VTT; or a plug-in's writer cannot be used.
    """
    names = list(formats)
    WRITERS.warn_of_shadowed(names)
    writers = {name: writer_class(name) for name in names if emotion or name != EMOTION_FORMAT}
    if names and not writers:
        raise UserError(f"the only format is {EMOTION_FORMAT}, but emotions are switched off; add another with -f")
    if vtt_emotion:
        if not emotion:
            raise UserError("--vtt-emotion marks cues with emotions, but they are switched off")
        if "vtt" not in writers:
            raise UserError("--vtt-emotion marks the cues of vtt, which is not among the formats; add it with -f")
        writers["vtt"] = EmotionVttWriter
    return writers if config is None else {name: writer.configured(config) for name, writer in writers.items()}


def check_places(
    folder: Path, stems: Iterable[str], formats: Iterable[str], inputs: Sequence[Path], trace: Path | None = None
) -> None:
    """See to it that nothing that is written takes the place of anything that is to be read.

    Args:
        folder: where the outputs go.
        stems: the name of the outputs of each input.
        formats: endings of the outputs.
        inputs: what is read.
        trace: the file for a trace, or None.

    Raises:
        UserError: an output, or the file it grows in, is an input.
    """
    read = {_identity(path) for path in inputs} - {None}
    endings = [f"{name}{part}" for name in formats for part in ("", ".part")]
    places = [folder / f"{stem}.{ending}" for stem in stems for ending in endings]
    for place in [*places, *([trace] if trace else [])]:
        if _identity(place) in read:
            which = "the input itself" if len(inputs) == 1 else "one of the inputs"
            raise UserError(
                f"{place} is {which}; choose another {'file for the trace' if place == trace else 'folder with -o'}"
            )


def check_free(places: Iterable[Path]) -> None:
    """See to it that nothing that is there already is replaced.

    Nobody can tell whether a file of that name was made from the same recording, or was worked on since.

    Args:
        places: the files that would be written. Pipes and devices among them are written to, not replaced.

    Raises:
        UserError: some are there.
    """
    there = [place for place in places if place.is_file() or (place.is_symlink() and not place.exists())]
    if not there:
        return
    first = there[0]
    beside = [place for place in there if place.parent == first.parent and place.name.startswith(f"{first.stem}.")]
    more = len(there) - len(beside)
    which = names(beside) + (f" and {more} more" if more else "")
    are, them = ("is", "it") if len(there) == 1 else ("are", "them")
    raise UserError(f"{which} {are} there already; --overwrite replaces {them}, or choose another folder or name")


def free_stem(folder: Path, stem: str, formats: Iterable[str]) -> str:
    """The stem, or stem-2, stem-3 where one of the outputs is there already, or is just being written."""
    endings = [f"{name}{part}" for name in formats for part in ("", ".part")]
    for number in itertools.count(1):
        name = stem if number == 1 else f"{stem}-{number}"
        if not any(os.path.lexists(folder / f"{name}.{ending}") for ending in endings):
            return name
    raise AssertionError


def unique_stems(inputs: Sequence[Path]) -> list[str]:
    """A name for the outputs of each input: its stem, or stem-2, stem-3 where that is taken.

    A stem that leaves no room for the formats' endings is cut.
    """
    taken: set[str] = set()
    stems = []
    for path in inputs:
        stem, number = _cut(path.stem), 1
        # Two names that differ by case only are one file on many disks.
        while stem.casefold() in taken:
            number += 1
            stem = f"{_cut(path.stem)}-{number}"
        taken.add(stem.casefold())
        stems.append(stem)
    return stems


def names(paths: Sequence[Path]) -> str:
    """Several outputs of one stem in a few words: `out/talk.txt, .srt, .emotion.csv`."""
    if not paths:
        return ""
    return ", ".join([str(paths[0]), *(path.name.removeprefix(paths[0].stem) for path in paths[1:])])


def _cut(stem: str) -> str:
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    return stem


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
