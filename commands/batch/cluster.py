"""Ray: one of this batch's own on this machine, or a cluster that is there."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from lipstream.commands.batch.scratch import scratch
from lipstream.models.face.native_log import REDIRECTING
from lipstream.pipeline import UserError

OBJECT_STORE = 80 * 1024 * 1024
"""Bytes of shared memory for what flows between processes: names and rows, never media. Ray takes no less."""
WORKER_MEMORY = 1_400 * 1024 * 1024
"""Bytes that a worker needs with faces, emotion and the better words."""
_PREFIX = "lipstream-ray-"
_CGROUP = Path("/sys/fs/cgroup")
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    # Ray would announce that it will change how it hides GPUs.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


def check_installed() -> None:
    """See whether Ray Data is there.

    Raises:
        UserError: it is not.
    """
    missing = [name for name in ("ray", "pyarrow", "pandas", "fsspec") if find_spec(name) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise UserError(f"batch needs {', '.join(missing)}, which {are} not installed: pip install 'lipstream[batch]'")


def usual_workers() -> int:
    """How many workers this machine, or its share of it, has room for: one a core, as far as its memory goes."""
    from lipstream.models.speech.speed import usable_cores

    cores = usable_cores()
    if (share := _cgroup("cpu.max").split()) and share[0].isdecimal():
        cores = min(cores, max(1, int(share[0]) // int(share[1])))
    free = _free_memory()
    return cores if free is None else max(1, min(cores, free // WORKER_MEMORY))


@contextmanager
def connected(address: str | None, workers: int) -> Iterator[None]:
    """Ray inside the block: that of the process if it has one, else one at an address, else one of its own.

    Its own has no dashboard, listens on this machine alone, holds little memory, and is gone afterwards with its
    temporary folder; what a killed run has left of one is removed.

    Args:
        address: of a cluster, `auto` for the one this machine is part of, or None.
        workers: processors that one of its own counts on.

    Raises:
        UserError: it cannot be had.
    """
    os.environ.update(_QUIET)
    import ray

    if ray.is_initialized():
        yield
        return
    # A short path, because sockets lie in it.
    short = Path("/tmp") if sys.platform != "win32" else None
    with scratch(_PREFIX, short) as folder, _ray_log(folder / "driver.log"):
        try:
            if address is None:
                ray.init(
                    address="local",
                    num_cpus=workers,
                    num_gpus=0,
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    _temp_dir=str(folder),
                    _node_ip_address="127.0.0.1",
                )
            else:
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError, TimeoutError) as error:
            where = "Ray could not be started on this machine" if address is None else f"no Ray cluster at {address}"
            raise UserError(f"{where}: {' '.join(str(error).split())}") from error
        try:
            yield
        finally:
            ray.shutdown()


@contextmanager
def _ray_log(path: Path) -> Iterator[None]:
    """What Ray says by itself goes into a file meanwhile: on standard output, and its native part on descriptor 2."""
    with REDIRECTING, contextlib.ExitStack() as stack:
        with contextlib.suppress(AttributeError, OSError, ValueError):
            sys.stderr.flush()
            if sys.stderr.fileno() == 2:
                own = stack.enter_context(os.fdopen(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding))
                stack.enter_context(contextlib.redirect_stderr(own))
        original = os.dup(2)
        try:
            log = stack.enter_context(path.open("a", buffering=1, encoding="utf-8", errors="replace"))
            os.dup2(log.fileno(), 2)
            stack.enter_context(contextlib.redirect_stdout(log))
            yield
        finally:
            os.dup2(original, 2)
            os.close(original)


def _free_memory() -> int | None:
    """Bytes that may still be used, None where that cannot be found out."""
    free = [available] if (available := _available()) is not None else []
    most, used = _cgroup("memory.max"), _cgroup("memory.current")
    if most.isdecimal() and used.isdecimal():
        free.append(max(0, int(most) - int(used)))
    return min(free, default=None)


def _available() -> int | None:
    """Bytes that the machine has left."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _cgroup(name: str) -> str:
    """A limit of the container this runs in; empty if there is none."""
    with contextlib.suppress(OSError):
        return (_CGROUP / name).read_text(encoding="ascii").strip()
    return ""
