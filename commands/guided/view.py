"""What one who reads aloud sees: the sentence, how much was gathered, the sound's level, whether the mouth is seen."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lipstream.commands.failures import note
from lipstream.stages.printable import printable

KEYS = "s leaves the sentence out, r reads the last one again, q ends the reading, Ctrl-C interrupts it"
_QUIETEST = -60.0
_CELLS = 20


@dataclass(frozen=True, slots=True)
class LessonView:
    """What there is to show.

    Attributes:
        sentence: to be read.
        gathered: seconds gathered.
        goal: seconds wanted.
        level: of the sound, decibels of full scale.
        speaking: whether a voice is heard.
        mouth: whether the mouth is seen.
        trouble: what is wrong with a device just now; empty if nothing is.
    """

    sentence: str
    gathered: float
    goal: float
    level: float
    speaking: bool
    mouth: bool
    trouble: str = ""

    @property
    def minutes(self) -> str:
        """How much was gathered, in words."""
        return f"{self.gathered / 60:.1f} of {self.goal / 60:g} min"


class View:
    """Shows the session on standard error: in a terminal as a picture that changes, elsewhere as lines.

    Args:
        keys: whether keys can be pressed.
    """

    def __init__(self, keys: bool) -> None:
        self._console = Console(stderr=True)
        self._live: Live | None = None
        self._keys = keys
        self._line = ""
        self._sentence = ""
        self._trouble = ""

    def __enter__(self) -> View:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, refresh_per_second=10, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, scene: LessonView, line: str = "") -> None:
        """Show how things are, and a line about what was just read if there is one."""
        self._line = printable(line) or self._line
        if line and self._live is None:
            note(f"{line} ({scene.minutes})")
        if self._live is not None:
            self._live.update(self._picture(scene))
            return
        if scene.trouble and scene.trouble != self._trouble:
            note(scene.trouble)
        if scene.sentence != self._sentence:
            note(f"read: {scene.sentence}")
        self._trouble, self._sentence = scene.trouble, scene.sentence

    def _picture(self, scene: LessonView) -> Group:
        signs = Table.grid(padding=(0, 2))
        mouth = Text("mouth seen") if scene.mouth else Text("mouth not seen: face the camera", "bold red")
        voice = Text("listening", "green") if scene.speaking else Text("read aloud", "dim")
        signs.add_row("sound", _meter(scene.level), mouth, voice)
        share = ProgressBar(total=scene.goal, completed=min(scene.gathered, scene.goal), width=_CELLS)
        signs.add_row("read", share, Text(scene.minutes))
        return Group(
            Text(f"\n  {scene.sentence}\n", "bold"),
            signs,
            Text(scene.trouble or self._line, "yellow" if scene.trouble else ""),
            Text(KEYS if self._keys else "Ctrl-C interrupts the reading", "dim"),
        )


def _meter(level: float) -> Text:
    filled = round(_CELLS * min(1.0, max(0.0, 1 - level / _QUIETEST)))
    return Text("▮" * filled + "▯" * (_CELLS - filled), "red" if level > -3 else "green")
