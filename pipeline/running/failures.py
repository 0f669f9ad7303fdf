"""What a run failed of: kept, told, and raised to whoever asks."""

from __future__ import annotations

from typing import TypeVar

from lipstream.pipeline.errors import UserError, message_of

X = TypeVar("X", bound=BaseException)


def in_one_line(error: BaseException) -> str:
    """An error as the message of an event."""
    text = " ".join(message_of(error).split())
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"


def copied(error: X) -> X:
    """The same error anew, to be raised.

    What is raised keeps every frame it passes, and these keep the run; if the run kept it too, neither would ever go.
    """
    try:
        copy = type(error).__new__(type(error), *error.args)
    except Exception:  # noqa: BLE001 - a foreign class, made in a way of its own
        return error
    copy.args = error.args
    copy.__dict__.update(error.__dict__)
    copy.__cause__, copy.__context__ = error.__cause__, error.__context__
    copy.__suppress_context__ = error.__suppress_context__
    return copy.with_traceback(error.__traceback__)
