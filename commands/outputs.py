"""The files a run leaves: their names, and that they are complete when it is over."""

from __future__ import annotations

import itertools
import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType

from lipstream.commands.failures import kills_interrupt
from lipstream.config import Config
from lipstream.pipeline import UserError
from lipstream.plugins import WRITERS
from lipstream.stages.sinks import EMOTION_FORMAT, EmotionVttWriter, Writer, writer_class
from lipstream.stages.sinks.spoken import CODE, LanguageInName

log = logging.getLogger(__name__)

_LONGEST_STEM = 220
"""Bytes: names of files have at most 255, of which endings such as `.emotion.csv.part` need some."""
AS_HEARD = "auto"
"""In the place of a code: the language that is in the names is the one that is heard."""
_OFF = "--no-emotion, emotion.enabled, or LIPSTREAM_NO_EMOTION"
"""What may have switched emotion off."""
SAVE_SECONDS = 60.0
"""Longest wait for a file to be completed after its run has ended, or to grow while it is made anew."""


class Outputs:
    """The writers of one run, as a context: opened on entry, and on exit none is left half done.

    Args:
        folder: where the files go; made if it is missing.
        stem: their common name.
        writers: of `writers_for`; none for a run that keeps nothing.
        source: what is transcribed: a path, for which no output must be mistaken, or a word.
        language: as `language_in_names` gives it.
    """

    def __init__(
        self,
        folder: Path,
        stem: str,
        writers: Mapping[str, type[Writer]],
        source: Path | str,
        language: str | None = None,
    ) -> None:
        self._source = source
        self._open = ExitStack()
        self.writers: dict[str, Writer] = {
            name: writer(folder / _begun_as(stem, name, writer, language), str(source))
            for name, writer in writers.items()
        }
        if language == AS_HEARD:
            for name, writer in self.writers.items():
                writer.name_by(LanguageInName(partial(_by_language, folder, stem, name)))

    def __enter__(self) -> Outputs:
        """Begin every file.

        Raises:
            UserError: one cannot be written, or would replace the input.
        """
        # A run has yet to be made, and takes its time to load.
        self._open.enter_context(kills_interrupt())
        try:
            for writer in self.writers.values():
                if isinstance(self._source, Path) and _same_file(writer.path, self._source):
                    raise UserError(f"{writer.path} is the input itself; choose another folder with -o")
                writer.open()
        except BaseException:
            self._discard()
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._discard()
        finally:
            self._open.close()

    def settle(self) -> None:
        """Wait until every file is complete: after a stop the writers may still have a queue to work off."""
        for writer in self.writers.values():
            made = 0
            while not writer.wait(SAVE_SECONDS):
                # A table of many hours takes longer than that to be made of its part.
                before, made = made, writer.made_bytes
                if made <= before:
                    log.warning("%s is not complete; what there is of it is in %s", writer.path, writer.part)
                    break

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
        raise UserError(
            f"the only format is {EMOTION_FORMAT}, but emotions are switched off ({_OFF}); add another with -f"
        )
    if vtt_emotion:
        if not emotion:
            raise UserError(f"--vtt-emotion marks cues with emotions, but they are switched off ({_OFF})")
        if "vtt" not in writers:
            raise UserError("--vtt-emotion marks the cues of vtt, which is not among the formats; add it with -f")
        writers["vtt"] = EmotionVttWriter
    return writers if config is None else {name: writer.configured(config) for name, writer in writers.items()}


def language_in_names(config: Config) -> str | None:
    """The code that is put into the names of texts, `AS_HEARD`, or None if there is to be none."""
    if not config.outputs.name_language:
        return None
    return "en" if config.speech.task == "translate" else config.speech.language


def places(folder: Path, stem: str, writers: Mapping[str, type[Writer]], language: str | None) -> list[Path]:
    """Where the files of a run may come to lie.

    Where their language is to be heard, that is their usual names and, of all that they could be called by it, what is
    there already.

    Args:
        folder: where the outputs go.
        stem: their common name.
        writers: of `writers_for`.
        language: as `language_in_names` gives it.
    """
    found = []
    for name, writer in writers.items():
        found.append(folder / _begun_as(stem, name, writer, language))
        if writer.in_language and language == AS_HEARD:
            found += _named_by_language(folder, stem, name)
    return found


def check_places(written: Sequence[Path], inputs: Sequence[Path], trace: Path | None = None) -> None:
    """See to it that nothing that is written takes the place of anything that is to be read.

    Args:
        written: the outputs, as `places` gives them.
        inputs: what is read.
        trace: the file for a trace, or None.

    Raises:
        UserError: an output, or a file it grows in or is made in, is an input.
    """
    read = {_identity(path) for path in inputs} - {None}
    grown = [path.with_name(f"{path.name}{ending}") for path in written for ending in ("", ".part", ".new")]
    for place in [*grown, *([trace] if trace else [])]:
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


def free_stem(folder: Path, stem: str, writers: Mapping[str, type[Writer]], language: str | None = None) -> str:
    """The stem, or stem-2, stem-3 where one of the outputs is there already, or is just being written."""
    for number in itertools.count(1):
        name = stem if number == 1 else f"{stem}-{number}"
        taken = places(folder, name, writers, language)
        if not any(os.path.lexists(each) for path in taken for each in (path, _part(path))):
            return name
    raise AssertionError


def unique_stems(inputs: Sequence[Path], language: str | None = None) -> list[str]:
    """A name for the outputs of each input: its stem, or stem-2, stem-3 where that is taken.

    A stem that leaves no room for the formats' endings is cut.

    Args:
        inputs: what is read.
        language: as `language_in_names` gives it. What `talk` gets with a language and `talk.de` without must not be
            one file.
    """
    taken: set[str] = set()
    stems = []
    for path in inputs:
        stem, number = _cut(path.stem), 1
        while _identical(stem, language) in taken:
            number += 1
            stem = f"{_cut(path.stem)}-{number}"
        taken.add(_identical(stem, language))
        stems.append(stem)
    return stems


def names(paths: Sequence[Path]) -> str:
    """Several outputs of one stem in a few words: `out/talk.txt, .srt, .emotion.csv`."""
    if not paths:
        return ""
    # Endings may have dots of their own, as in `.emotion.csv`.
    alike = os.path.commonprefix([path.name for path in paths])  # noqa: RUF071 - names, not folders
    stem = alike.rpartition(".")[0]
    return ", ".join([str(paths[0]), *(path.name.removeprefix(stem) for path in paths[1:])])


def _cut(stem: str) -> str:
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    return stem


def _begun_as(stem: str, name: str, writer: type[Writer], language: str | None) -> str:
    """What the file of a format is called, or is called until its language is known."""
    told = writer.in_language and language not in (None, AS_HEARD)
    return f"{stem}.{language}.{name}" if told else f"{stem}.{name}"


def _by_language(folder: Path, stem: str, name: str, code: str) -> Path:
    return folder / f"{stem}.{code}.{name}"


def _named_by_language(folder: Path, stem: str, name: str) -> list[Path]:
    """Files of a folder that are called `STEM.CODE.NAME`."""
    if not folder.is_dir():
        return []
    form = re.compile(f"{re.escape(stem)}\\.{CODE.pattern}\\.{re.escape(name)}", re.IGNORECASE)
    return sorted(folder / each for each in os.listdir(folder) if form.fullmatch(each))


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _identical(stem: str, language: str | None) -> str:
    """What two stems have in common whose outputs may be the same file."""
    base, dot, code = stem.rpartition(".")
    named = language is not None and dot and base and CODE.fullmatch(code)
    # Two names that differ by case only are one file on many disks.
    return (base if named else stem).casefold()


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
