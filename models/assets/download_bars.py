"""How a download tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

ProgressCallback = Callable[[str, int, int], None]
"""Called with what is being fetched, bytes so far, and bytes in all."""


def silent(what: str, done: int, total: int) -> None:
    """Show nothing."""


@contextmanager
def terminal_progress() -> Iterator[ProgressCallback]:
    """A progress bar on standard error; one plain line a file when that is not a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_lines(console)
        return
    numbers = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), BarColumn(), *numbers, console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield show


def _plain_lines(console: Console) -> ProgressCallback:
    announced: set[str] = set()

    def show(what: str, done: int, total: int) -> None:
        if what not in announced:
            announced.add(what)
            console.print(f"fetching {what} ({total / 1e6:.1f} MB)", highlight=False, soft_wrap=True)

    return show
