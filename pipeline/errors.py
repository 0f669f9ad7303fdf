"""Errors of the dataflow."""

from __future__ import annotations


class PipelineError(Exception):
    """Base of every error the dataflow raises."""


class UserError(PipelineError):
    """Something the user can mend; the message is one line saying what was wrong, what was expected, what to do."""


class ConfigError(UserError):
    """A configuration key, value or file is wrong."""


class GraphError(PipelineError):
    """The graph cannot run; the message names the stage and the port."""


class StreamOrderError(PipelineError):
    """A packet went back in time on its stream."""


class RecoverableError(PipelineError):
    """Raised by a component that cannot handle this packet but may handle the next.

    The runner reports `Degraded` once, goes on, and reports `Recovered` at the next packet that succeeds.

    Args:
        modality: what suffers, "audio" or "video".
        reason: one plain-language line.
    """

    def __init__(self, modality: str, reason: str) -> None:
        super().__init__(reason)
        self.modality = modality
        self.reason = reason


def message_of(error: BaseException) -> str:
    """What an error says, or that it cannot say it: it may be of a foreign class, whose failure must not be another."""
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - whatever its code raises
        return f"(its message cannot be shown: {type(failure).__name__})"


class StageFailed(PipelineError):
    """A component failed for good and the run was stopped; `__cause__` is the original error.

    Args:
        stage: name of the component in its graph.
        cause: what it raised.
    """

    def __init__(self, stage: str, cause: BaseException) -> None:
        super().__init__(f"stage '{stage}' failed: {type(cause).__name__}: {message_of(cause)}")
        self.stage = stage
        self.cause = cause
        self.__cause__: BaseException | None = cause
