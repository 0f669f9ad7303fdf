"""`lipstream batch` as a process, on work that needs no networks: python -m tests.commands.batch.driver ARGUMENTS."""

from __future__ import annotations

import os
import sys

from lipstream.commands.batch import command, worker
from lipstream.commands.main import main
from tests.commands.batch.fakes import DRIVER, PLAN, stub

if __name__ == "__main__":
    os.environ[DRIVER] = str(os.getpid())
    command._KEPT = (DRIVER, PLAN)  # type: ignore[assignment]
    worker.transcriber = stub  # type: ignore[assignment]
    sys.exit(main(["batch", *sys.argv[1:]]))
