"""Progress bars for long work with several steps."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Steps:
    """A bar for each step on standard error; a new one begins when the step's name changes.

    Where standard error is no terminal, a line for every tenth of a step.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._name = ""
        self._task: TaskID | None = None

    def __enter__(self) -> Steps:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def report(self, name: str, done: int, total: int, figures: str) -> None:
        """Show that `done` of `total` are done of the step `name`, with the latest figures in words."""
        if not self._console.is_terminal:
            if done == total or done * 10 // total != (done - 1) * 10 // total:
                print(f"{name}: {done}/{total} {figures}".rstrip(), file=sys.stderr)
            return
        if self._task is None or name != self._name:
            self._task, self._name = self._progress.add_task(name, total=total, figures=figures), name
        self._progress.update(self._task, completed=done, total=total, figures=figures)
