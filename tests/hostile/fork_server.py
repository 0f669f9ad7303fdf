"""Runs the command line in a child process with limits, without paying for Python's imports each time.

The parent imports everything once and loads nothing; each run is a fork of it, which is what a fresh process would be
after its imports. Networks are loaded by the child. The one thread beside the parent's own is an idle one that the
import of onnxruntime starts; it holds nothing the children need, as those show that run the real networks.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_M_ARENA_MAX = -8
_BUG = 70
_THREADS = 2


@dataclass(frozen=True)
class Limits:
    """What a child may use.

    Attributes:
        memory: bytes of address space beyond that of the parent.
        cpu: seconds of processor time.
        wall: seconds; the machine may be busy with other things.
        file: bytes of the largest file it may write.
    """

    memory: int = 1536 << 20
    cpu: int = 30
    wall: float = 300.0
    file: int = 32 << 20


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        code: exit code, or minus the number of the signal that ended it.
        out: standard output.
        err: standard error.
        cpu: seconds of processor time.
        wall: seconds.
        memory: most bytes of resident memory, the interpreter and its imports included.
        timed_out: whether it was ended because of `Limits.wall`.
    """

    code: int
    out: str
    err: str
    cpu: float
    wall: float
    memory: int
    timed_out: bool


def warm_up() -> None:
    """Import what the verb `file` needs, in the process that will fork."""
    import pysubs2
    import ttconv.imsc.writer

    import lipstream.commands.main as main
    import lipstream.commands.transcribe
    import lipstream.stages.build
    import lipstream.stages.speaker.build

    # Writers and stages are imported when they are made; here before, so that no child does it all over again.
    assert pysubs2 and ttconv.imsc.writer
    assert lipstream.commands.transcribe and lipstream.stages.build and lipstream.stages.speaker.build
    assert main.build_parser()
    # Every thread would reserve 64 MiB of addresses for an arena of its own, which is no memory used.
    ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
    gc.collect()
    gc.freeze()


def run(
    arguments: Sequence[str], folder: Path, limits: Limits = Limits(), prepare: Callable[[], None] = lambda: None
) -> Outcome:
    """Run `lipstream` with arguments in a forked child.

    Args:
        arguments: the command line.
        folder: where the child's standard output and error go.
        limits: what it may use.
        prepare: called in the child before anything else.
    """
    out, err = folder / "stdout", folder / "stderr"
    sys.stdout.flush()
    sys.stderr.flush()
    threads = len(os.listdir("/proc/self/task"))
    if threads > _THREADS:
        raise RuntimeError(f"{threads} threads run before the fork: set OMP_NUM_THREADS=OPENBLAS_NUM_THREADS=1")
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _child(arguments, out, err, limits, prepare)
    timed_out = not _ended(pid, limits.wall)
    if timed_out:
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    return Outcome(
        os.waitstatus_to_exitcode(status),
        out.read_text(encoding="utf-8", errors="backslashreplace"),
        err.read_text(encoding="utf-8", errors="backslashreplace"),
        usage.ru_utime + usage.ru_stime,
        time.monotonic() - start,
        usage.ru_maxrss * 1024,
        timed_out,
    )


def _child(arguments: Sequence[str], out: Path, err: Path, limits: Limits, prepare: Callable[[], None]) -> None:
    code = _BUG
    try:
        for descriptor, path in ((1, out), (2, err)):
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, descriptor)
            os.close(file)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1)
        prepare()
        resource.setrlimit(resource.RLIMIT_AS, (_addresses() + limits.memory,) * 2)
        resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file, limits.file))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        from lipstream.commands.main import main

        code = main(list(arguments))
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - the child must not go on as if it were the parent
        traceback.print_exc()
    finally:
        os._exit(code)


def _ended(pid: int, seconds: float) -> bool:
    handle = os.pidfd_open(pid)
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def _addresses() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
