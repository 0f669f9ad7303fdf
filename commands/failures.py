"""What becomes of a verb's failure: one line on standard error and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import errno
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import NoReturn

from lipstream.stages.printable import printable

OK = 0
FAILED = 1
USAGE = 2
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_EXTRAS = {"torch": "train", "torchaudio": "train"}
"""Packages that captions do without, and the extra each comes with; other extras are told of where they are used."""
INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


def guarded(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Run a verb and turn every failure that has a name into one line and its exit code."""
    _prepare_streams()
    set_up_logging(args.verbose)
    try:
        code = run(args)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone. Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        failure = describe(error) or _unwritten(error)
        if failure is None:
            raise
        message, code = failure
        report(message)
        if args.verbose:
            for line in "".join(traceback.format_exception(error)).splitlines():
                print(printable(line), file=sys.stderr)
        return code


@contextlib.contextmanager
def handled(numbers: Iterable[signal.Signals], handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Signals are handled so meanwhile, and then as before; off the main thread, which alone may say so, nothing is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual or signal.SIG_DFL)


@contextlib.contextmanager
def kills_interrupt() -> Iterator[None]:
    """A closed terminal and a polite kill are as Ctrl-C meanwhile, so that what was begun is cleaned up."""
    polite = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    # Who ignores one, as nohup does, means it.
    with handled([each for each in polite if signal.getsignal(each) == signal.SIG_DFL], signal.default_int_handler):
        yield


def own_stderr() -> None:
    """Print on a descriptor of one's own from here on.

    Descriptor 2 is redirected while native libraries load, to keep their chatter away: what Lipstream prints meanwhile
    must neither wait for that nor be lost with it.
    """
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr = os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1, encoding=sys.stderr.encoding)


def leave(code: int) -> NoReturn:
    """End the process, at once.

    Everything is on disk by now. To take the interpreter and the native libraries down in order takes up to a second,
    and aborts under a stage that was still loading a network when the run was stopped and is left behind on its thread.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def describe(error: BaseException) -> tuple[str, int] | None:
    """One line about an error and the exit code it deserves; None for an error that is a bug."""
    from lipstream.models.errors import ModelError
    from lipstream.pipeline.errors import PipelineError, StageFailed, UserError

    if isinstance(error, StageFailed) and isinstance(error.cause, (ModelError, UserError)):
        error = error.cause
    if isinstance(error, (UserError, ModelError)):
        return _one_line(str(error)), USAGE
    if isinstance(error, PipelineError):
        return _one_line(str(error)), FAILED
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        package = error.name.partition(".")[0]
        if package in _EXTRAS:
            return f"this needs {package}, which is not installed: pip install 'lipstream[{_EXTRAS[package]}]'", USAGE
    return None


def _unwritten(error: BaseException) -> tuple[str, int] | None:
    """The same of standard output that has no room, whoever printed there."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
        return f"cannot be written: {error.strerror}", USAGE
    return None


def report(message: str) -> None:
    """Print an error line."""
    print(printable(f"lipstream: error: {message}"), file=sys.stderr)


def note(message: str) -> None:
    """Print a line that is not an error, on standard error all the same: standard output is for captions."""
    print(printable(f"lipstream: {message}"), file=sys.stderr)


def set_up_logging(verbose: bool) -> None:
    """Send log records to standard error: warnings, or with `verbose` everything of Lipstream's own."""
    root = logging.getLogger()
    if not any(isinstance(handler, _StderrHandler) for handler in root.handlers):
        handler = _StderrHandler()
        handler.setFormatter(logging.Formatter("lipstream: %(levelname)s: %(name)s: %(message)s"))
        root.addHandler(handler)
    for room in ("lipstream",):
        logging.getLogger(room).setLevel(logging.DEBUG if verbose else logging.WARNING)


class _StderrHandler(logging.Handler):
    """Writes to whatever standard error is at the time: a live display puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        # A line each: names and messages of others may hold what a terminal obeys.
        for line in self.format(record).splitlines():
            print(printable(line), file=sys.stderr)


def _prepare_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A terminal or a pipe that cannot show a character must not end a run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _one_line(message: str) -> str:
    return " ".join(message.split())
