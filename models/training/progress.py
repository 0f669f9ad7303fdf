"""How training and evaluation tell how far they are."""

from __future__ import annotations

from collections.abc import Callable

ProgressReport = Callable[[str, int, int, str], None]
"""What is being done, steps done, steps in all, and the latest figures in words."""
