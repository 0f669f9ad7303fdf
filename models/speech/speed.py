"""How fast this machine reads with Whisper base: measured once, and kept.

What is measured is what a final of 6 s of speech costs: the encoder on 6 s of noise, and a beam search that is made to
write as many tokens as such speech has. So the figure does not depend on what the network takes the noise for.

The figure holds for the processor, the threads and the version of Lipstream that it was measured with. It is in the
cache (`speed.json`), or in the file that LIPSTREAM_SPEED names.
"""

from __future__ import annotations

import json
import math
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from lipstream.models import assets
from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import SAMPLE_RATE
from lipstream.models.whole_file import whole_file

SPEECH_SECONDS: Final = 6.0
"""Speech of the final that is measured."""
_TOKENS: Final = 25
"""Tokens of its text: fluent English has four a second."""
_ROUNDS: Final = 3
"""How often it is read; the median counts, so that one interruption does not."""
_MODEL: Final = "base"
_ASSETS: Final = f"whisper-{_MODEL}/"


@dataclass(frozen=True, slots=True)
class Machine:
    """What a figure holds for.

    Attributes:
        processor: its name, as the system gives it.
        cores: logical ones.
        threads: of the recogniser.
        version: of Lipstream.
    """

    processor: str
    cores: int
    threads: int
    version: str


def usable_cores() -> int:
    """Cores that this process may use, which may be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def this_machine(threads: int, version: str) -> Machine:
    """The machine this runs on.

    Args:
        threads: processor threads of the recogniser.
        version: of Lipstream.
    """
    return Machine(processor(), os.cpu_count() or 1, threads, version)


def kept_at() -> Path:
    """The file that the figure is kept in, there or not."""
    chosen = os.environ.get("LIPSTREAM_SPEED")
    return Path(chosen).expanduser().absolute() if chosen else assets.cache_dir() / "speed.json"


def kept(machine: Machine) -> float | None:
    """Seconds that such a final takes on a machine, as they were kept.

    None if nothing was kept, or that of another machine, or if the file is damaged. Measures nothing.
    """
    try:
        told = json.loads(kept_at().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    seconds = told.pop("seconds", None)
    right = told == asdict(machine) and isinstance(seconds, float) and 0.0 < seconds < math.inf
    return seconds if right else None


def keep(machine: Machine, seconds: float) -> None:
    """Keep a figure, in place of the one before.

    Raises:
        ModelError: the file cannot be written; names it and the reason.
    """
    path = kept_at()
    try:
        with whole_file(path) as partial:
            partial.write_text(json.dumps({**asdict(machine), "seconds": round(seconds, 3)}) + "\n", encoding="utf-8")
    except ModelError as error:
        raise ModelError(f"{error}; set LIPSTREAM_SPEED to a file that you can write") from None


def known(machine: Machine) -> float | None:
    """Seconds that such a final takes on this machine: as kept, else measured now and kept.

    Takes some seconds where it has to be measured. None where Whisper base is not there; it is not fetched for this.

    Raises:
        ModelError: the network cannot be loaded, or the figure not be kept.
    """
    seconds = kept(machine)
    return renewed(machine) if seconds is None else seconds


def renewed(machine: Machine) -> float | None:
    """The same, measured now and kept in place of what was kept before.

    Raises:
        ModelError: the network cannot be loaded, or the figure not be kept.
    """
    if not _is_there():
        return None
    seconds = measure(machine.threads)
    keep(machine, seconds)
    return seconds


def measure(threads: int) -> float:
    """Seconds that a final of `SPEECH_SECONDS` takes now; the networks are loaded before.

    Args:
        threads: processor threads of the recogniser.

    Raises:
        ModelError: the network cannot be loaded.
    """
    from lipstream.models.speech.whisper.recogniser import WhisperRecogniser

    recogniser = WhisperRecogniser(_MODEL, threads)
    recogniser.load()
    noise = np.random.default_rng(0).normal(scale=0.1, size=round(SPEECH_SECONDS * SAMPLE_RATE)).astype(np.float32)
    took = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        recogniser.rehearse(noise, _TOKENS)
        took.append(time.perf_counter() - start)
    return median(took)


def _is_there() -> bool:
    states = [status.state for status in assets.status() if status.name.startswith(_ASSETS)]
    return bool(states) and set(states) == {"ready"}


def processor() -> str:
    """Its name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []  # not Linux
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), "") or platform.processor() or platform.machine()
