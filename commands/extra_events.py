"""`--events`."""

from __future__ import annotations

import argparse

from commands.extras import Extra


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --events."""


def from_args(args: argparse.Namespace) -> Extra | None:
    """What was asked for, or None."""
    return None
