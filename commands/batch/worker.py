"""What runs in the processes of Ray: an actor that does recordings, and one that counts how often each was begun."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.rows import lost
from lipstream.commands.batch.settings import Settings
from lipstream.commands.batch.targets import Target
from lipstream.commands.batch.work import Work, handle

ATTEMPTS = 3
"""How often a recording is begun before it is given up: a worker, or its machine, was lost over it each time."""
RECORDING, ROW = "recording", "row"
"""Columns of what flows through Ray Data, both of JSON."""


@dataclass(frozen=True)
class Job:
    """All that a worker has to know. It goes to the workers by pickle.

    Attributes:
        settings: of the run.
        target: where outputs belong.
        make_work: makes what captions recordings, once a worker.
        environment: variables that are the same for all workers.
    """

    settings: Settings
    target: Target
    make_work: Callable[[Settings], Work]
    environment: Mapping[str, str] = field(default_factory=dict)


def transcriber(settings: Settings) -> Work:
    """The usual work."""
    # Here, for it loads what captions are made with.
    from lipstream.commands.batch.transcriber import Transcriber

    return Transcriber(settings)


class Attempts:
    """How often each recording was begun; one for all workers, which may be lost."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()

    def begin(self, key: str) -> int:
        """Count a beginning, and tell the how manieth it is."""
        self._begun[key] += 1
        return self._begun[key]


class Worker:
    """Does one recording after the other in a process of its own. What it has loaded stays for the next.

    Args:
        job: what is to be done.
        begin: counts beginnings by the recording's key, see `Attempts`.
    """

    def __init__(self, job: Job, begin: Callable[[str], int]) -> None:
        os.environ.update(job.environment)
        # There is a worker for each core.
        os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
        self._job = job
        self._begin = begin
        self._work = job.make_work(job.settings)

    def __call__(self, item: Mapping[str, str]) -> dict[str, str]:
        """Do one.

        Args:
            item: the recording, as JSON under `RECORDING`.

        Returns:
            Both, the recording and under `ROW` its row.
        """
        recording = Recording.from_json(item[RECORDING])
        job = self._job
        if self._begin(recording.key) > ATTEMPTS:
            why = f"the process that did it was lost {ATTEMPTS} times: out of memory, or a crash"
            row = lost(recording, job.settings.made_of(recording), why)
        else:
            row = handle(recording, self._work, job.target, job.settings)
        return {RECORDING: item[RECORDING], ROW: row.to_json()}
