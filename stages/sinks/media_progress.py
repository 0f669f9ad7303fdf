"""How far a file is: media time, speed and time to go, as one row for a terminal."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class MediaProgress:
    """The row and its state.

    Args:
        console: where it will be shown.
        duration: length of the media in seconds.
    """

    def __init__(self, console: Console, duration: float) -> None:
        self._bars = Progress(
            BarColumn(bar_width=30),
            _MediaTime(),
            _Speed(),
            TextColumn("[dim]left[/dim]"),
            TimeRemainingColumn(compact=True),
            console=console,
            auto_refresh=False,
        )
        self._task = self._bars.add_task("", total=duration)

    def update(self, position: float) -> None:
        """Note the media time reached, in seconds; it does not go back."""
        task = self._bars.tasks[0]
        if position > task.completed:
            self._bars.update(self._task, completed=min(position, task.total or position))

    @property
    def row(self) -> RenderableType:
        """The row as of now."""
        return self._bars.get_renderable()


class _MediaTime(ProgressColumn):
    """`1:05 / 43:10`."""

    def render(self, task: Task) -> Text:
        """Draw the cell."""
        return Text(f"{clock(task.completed)} / {clock(task.total or 0.0)}")


class _Speed(ProgressColumn):
    """Media seconds a second: `6.2x`."""

    def render(self, task: Task) -> Text:
        """Draw the cell."""
        return Text(f"{task.speed:.1f}x" if task.speed else "", style="cyan")


def clock(seconds: float) -> str:
    """`1:05`, or `1:02:05` from an hour on."""
    minutes, secs = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"
