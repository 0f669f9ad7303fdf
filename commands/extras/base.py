"""What `file` can make of a recording besides its output formats: each kind is an `Extra`."""

from __future__ import annotations

import argparse
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lipstream import Pipeline
    from lipstream.commands.running import Outcome
    from lipstream.config import Config


class Extra(ABC):
    """One more thing made of one recording, from the events of its run.

    The order of calls is `check`, `attach`, the run, `finish`, `discard`. An extra serves one run.
    """

    option: str = ""
    """The option it is asked for with, for messages: "--render"."""
    path: Path | None = None
    """The file it writes; None if it writes none."""
    many: bool = False
    """Whether it makes a file of each of several inputs."""
    takes_stdout: bool = False
    """Whether it writes to standard output; the captions then go to standard error."""

    @property
    def failure(self) -> str | None:
        """Why what it makes is not there, or not all of it, though the run went on; None if it is."""
        return None

    @property
    def settings(self) -> Mapping[str, object]:
        """The settings its events need, such as `{"face.report_rate": 25}`; they do not replace the user's own."""
        return {}

    def check(self, config: Config, source: Path) -> None:  # noqa: B027 - optional for a subclass
        """See, before anything is loaded, whether it can be made.

        Args:
            config: the configuration of the run.
            source: the recording.

        Raises:
            UserError: it cannot; the message says what to do.
        """

    def of(self, stem: str) -> Extra:
        """What it is for one of several inputs; itself if it is for one alone.

        Args:
            stem: what the outputs of that input are called.
        """
        return self

    @abstractmethod
    def attach(self, pipeline: Pipeline, quiet: bool) -> None:
        """Add what it needs, such as an event sink, to a pipeline that has not started.

        Args:
            pipeline: the run.
            quiet: show nothing on the terminal.
        """

    def finish(self, outcome: Outcome) -> bool:
        """Complete the file after the run, also after one that was interrupted: what there is of it is made.

        Returns:
            Whether there is a file. What is not complete never has the final name.

        Raises:
            UserError: it could not be made.
        """
        return False

    def discard(self) -> None:  # noqa: B027 - optional for a subclass
        """Leave nothing half done behind; always called last, whatever happened."""


def add_extra_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of every extra to the parser of `file`."""
    for module in _modules():
        module.add_arguments(parser)


def extras_of(args: argparse.Namespace) -> Sequence[Extra]:
    """The extras that were asked for.

    Raises:
        UserError: an option is wrong.
    """
    return [extra for module in _modules() if (extra := module.from_args(args)) is not None]


def extra_settings(extras: Sequence[Extra], overrides: Mapping[str, object]) -> dict[str, object]:
    """The settings that extras need, the largest of each, but for those that the user has set."""
    wanted: dict[str, object] = {}
    for extra in extras:
        for key, value in extra.settings.items():
            present = wanted.get(key)
            larger = isinstance(present, (int, float)) and isinstance(value, (int, float)) and present >= value
            wanted[key] = present if larger else value
    return wanted | dict(overrides)


def check_one_input(extras: Sequence[Extra], count: int) -> None:
    """See to it that there are not several inputs for what makes one file.

    Raises:
        UserError: there are.
    """
    from lipstream.pipeline import UserError

    for extra in extras:
        if count > 1 and not extra.many:
            raise UserError(f"{extra.option} takes one input at a time: it names one output, for {count} inputs")


def check_extras(extras: Sequence[Extra], inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """See to it that no two files are one.

    Args:
        extras: what was asked for.
        inputs: what is read.
        outputs: the other files that are written.

    Raises:
        UserError: they do not.
    """
    from lipstream.pipeline import UserError

    taken = {path.resolve(): path for path in inputs}
    for path in outputs:
        taken.setdefault(path.resolve(), path)
    for extra in extras:
        if extra.path is None:
            continue
        if extra.path.is_dir():
            raise UserError(f"{extra.option} {extra.path}: that is a folder; name a file")
        part = f"{extra.path}.part"
        if os.path.exists(part) and any(path.exists() and path.samefile(part) for path in inputs):
            raise UserError(f"{extra.option} {extra.path}: it would grow in the input itself; choose another name")
        where = extra.path.resolve()
        if where in taken:
            what = "the input itself" if taken[where] in inputs else "written by another option"
            raise UserError(f"{extra.option} {extra.path}: this file is {what}; choose another name")
        taken[where] = extra.path


def path_of(option: str, text: str, endings: Iterable[str] = ()) -> Path:
    """Read the name of a file to make.

    Args:
        option: whose value it is, for messages.
        text: the name.
        endings: what it must end in, with any of them; none for any name.

    Raises:
        UserError: its ending is none of those, or no file can have that name.
    """
    from lipstream.pipeline import UserError

    path, known = Path(text), list(endings)
    if known and path.suffix.lower() not in known:
        *others, last = known
        raise UserError(f"{option} {text}: the name must end in {', '.join(others)}{' or ' if others else ''}{last}")
    try:
        path.resolve().exists()
    except (OSError, RuntimeError, ValueError) as error:
        # A name that is too long, or links that lead in a circle.
        raise UserError(f"{option} {text}: no file can have this name ({error})") from error
    return path


def _modules() -> Sequence[ModuleType]:
    from lipstream.commands.extras import (
        events as extra_events,
    )
    from lipstream.commands.extras import (
        mux as extra_mux,
    )
    from lipstream.commands.extras import (
        plot as extra_plot,
    )
    from lipstream.commands.extras import (
        render as extra_render,
    )
    from lipstream.commands.extras import (
        report as extra_report,
    )

    return [extra_render, extra_mux, extra_report, extra_plot, extra_events]
