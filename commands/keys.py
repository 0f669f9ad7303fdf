"""Single keys from the keyboard, where there is one."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any


class Keys:
    """Keys pressed in the terminal, without waiting for Enter; none where standard input is no terminal."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        self._there = False

    @property
    def there(self) -> bool:
        """Whether there is a keyboard."""
        return self._there

    def __enter__(self) -> Keys:
        self._there = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
        if self._there and sys.platform != "win32":
            import termios
            import tty

            self._before = termios.tcgetattr(sys.stdin.fileno())
            tty.setcbreak(sys.stdin.fileno())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if sys.platform != "win32" and self._before is not None:
            import termios

            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    def pressed(self) -> str:
        """The next key that was pressed, in lower case; "" if none was."""
        if not self._there:
            return ""
        if sys.platform == "win32":
            import msvcrt

            return msvcrt.getwch().lower() if msvcrt.kbhit() else ""
        import os
        import select

        ready, _, _ = select.select([sys.stdin], [], [], 0)
        # Past Python's own buffer, of which select knows nothing.
        return os.read(sys.stdin.fileno(), 1).decode("ascii", "ignore").lower() if ready else ""
