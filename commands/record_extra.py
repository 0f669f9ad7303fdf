"""Extras that are drawn from the record of a run once it is over."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from commands.extras import Extra

if TYPE_CHECKING:
    from commands.running import Outcome
    from pipeline import Config, Pipeline
    from views.part_file import PartFile
    from views.record import Recorder

# Whatever draws is imported when it is wanted: it takes its time, and `file --help` should not.


class RecordExtra(Extra):
    """Records the run, and writes a file of what was recorded; of an interrupted run, of what there is.

    Args:
        path: the file to make.
    """

    path: Path

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = Path()
        self._file: PartFile | None = None
        self._record: Recorder | None = None

    @property
    def settings(self) -> Mapping[str, object]:
        """Levels of the sound, and where faces are."""
        from views.timeline import REPORT_RATES

        return REPORT_RATES

    def check(self, config: Config, source: Path) -> None:
        """Note what is recorded."""
        self.source = source

    def attach(self, pipeline: Pipeline, quiet: bool) -> None:
        """Begin the file, to see whether it can be written, and keep what the run tells.

        Raises:
            UserError: it cannot be.
        """
        from views.part_file import PartFile
        from views.record import Recorder

        self._file = PartFile(self.path)
        self._file.open()
        self._record = Recorder()
        pipeline.add_sink(self.option.removeprefix("--"), self._record)

    def finish(self, outcome: Outcome) -> bool:
        """Write the file; none if nothing at all was read.

        Raises:
            UserError: it cannot be written.
        """
        assert self._file is not None and self._record is not None
        if self._record.duration <= 0 and not self._record.finals:
            return False
        self.write(self._file, self._record)
        self._file.commit()
        return True

    def discard(self) -> None:
        """Leave no half file."""
        if self._file is not None:
            self._file.discard()

    @abstractmethod
    def write(self, file: PartFile, record: Recorder) -> None:
        """Write the whole file."""
