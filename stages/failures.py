"""Turning errors of the model layer into those the dataflow acts on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TypeVar

from lipstream.models.errors import ModelError
from lipstream.pipeline import RecoverableError, Stage, UserError

log = logging.getLogger(__name__)

R = TypeVar("R")

FAILED_SEGMENTS = "speech.failed_segments"
"""Counter: segments that could not be recognised to their end."""


def need_torch(what: str) -> None:
    """See that torch is there, for what cannot do without it.

    Raises:
        UserError: it is not.
    """
    if find_spec("torch") is None:
        raise UserError(f"{what} needs torch, which is not installed: pip install 'lipstream[train]'")


@contextmanager
def while_loading() -> Iterator[None]:
    """A network that cannot be loaded is the user's to mend: one line, exit code 2."""
    try:
        yield
    except ModelError as error:
        raise UserError(str(error)) from error


@contextmanager
def while_running(modality: str, what: str) -> Iterator[None]:
    """A network that fails on this input may do better on the next; the other modality goes on."""
    try:
        yield
    except RecoverableError:
        raise
    except Exception as error:
        # Native runtimes raise classes of their own without a common base.
        log.debug("%s failed", what, exc_info=error)
        message = " ".join(str(error).split())
        raise RecoverableError(modality, f"{what} failed: {message or type(error).__name__}") from error


def retry(stage: Stage, what: str, work: Callable[[], R]) -> R:
    """Run a speech network on the end of a segment, which does not come again: a second time if it fails.

    Raises:
        RecoverableError: it failed twice; the segment is counted as failed.
    """
    try:
        with while_running("audio", what):
            return work()
    except RecoverableError as error:
        stage.degrade(error.modality, error.reason)
    try:
        with while_running("audio", what):
            result = work()
    except RecoverableError:
        stage.context.count(FAILED_SEGMENTS, 1)
        raise
    stage.recover("audio")
    return result
