"""Extras that are made of the record of a run once it is over."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lipstream.commands.extras.base import Extra

if TYPE_CHECKING:
    from lipstream import Pipeline
    from lipstream.commands.running import Outcome
    from lipstream.config import Config
    from lipstream.views.media.part_file import PartFile
    from lipstream.views.recorded.record import Recorder

# Whatever draws is imported when it is wanted: it takes its time, and `file --help` should not.


class RecordedExtra(Extra):
    """Keeps what the run tells, for a file that is made of it once the run is over.

    Args:
        path: the file to make.

    Attributes:
        config: of the run.
        source: the recording.
        file: the file while it grows.
        record: what the run has told.
    """

    path: Path
    config: Config
    source: Path
    file: PartFile
    record: Recorder

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begun = False

    def check(self, config: Config, source: Path) -> None:
        """Note what is recorded."""
        self.config, self.source = config, source

    def attach(self, pipeline: Pipeline, quiet: bool) -> None:
        """Begin the file, to see whether it can be written, and keep what the run tells.

        Raises:
            UserError: it cannot be.
        """
        from lipstream.views.media.part_file import PartFile
        from lipstream.views.recorded.record import Recorder

        self.file, self.record = PartFile(self.path), Recorder()
        self.file.open()
        self._begun = True
        pipeline.add_sink(f"{self.option.removeprefix('--')} recorder", self.record)

    def discard(self) -> None:
        """Leave no half file."""
        if self._begun:
            self.file.discard()


class RecordExtra(RecordedExtra):
    """Writes a file of what was recorded; of an interrupted run, of what there is."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Levels of the sound, and where faces are."""
        from lipstream.views.recorded.timeline import REPORT_RATES

        return REPORT_RATES

    def finish(self, outcome: Outcome) -> bool:
        """Write the file; none if nothing at all was read.

        Raises:
            UserError: it cannot be written.
        """
        if self.record.duration <= 0 and not self.record.finals:
            return False
        self.write(self.file, self.record)
        self.file.commit()
        return True

    @abstractmethod
    def write(self, file: PartFile, record: Recorder) -> None:
        """Write the whole file."""
