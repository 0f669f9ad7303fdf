"""Whether what a profile is being made of is still there, and may still be learnt from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from lipstream.models.errors import ModelError
from lipstream.pipeline.exclusive import is_at

if TYPE_CHECKING:
    from pathlib import Path

    from lipstream.models.av_speech.training.growing.kept_folder import KeptFolder
    from lipstream.models.training.progress import ProgressReport
    from lipstream.stages.enrol.consent import GrowthConsent


class Lost(Exception):
    """The user deleted what is learnt from, or took the yes back; the message says which."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What a learning has to see to while it runs, which may take an hour.

    A training writes its state into the folder, and makes the folder for it where it is gone. So whether it was deleted
    is told by the lock, which is written once and held: another file in its place, or none, is another folder.

    Attributes:
        folder: what is learnt from.
        lock: the file in it that this learning holds.
        consent: the answer that it depends on, None for none.
    """

    folder: KeptFolder
    lock: BinaryIO
    consent: GrowthConsent | None

    @property
    def deleted(self) -> bool:
        """Whether the user deleted what was kept."""
        return not is_at(self.lock, self.folder.path / LOCK)

    @property
    def lost(self) -> bool:
        """Whether nothing may be made of it any more."""
        return self.deleted or (self.consent is not None and not self.consent.given)

    def check(self) -> None:
        """Go on only while it may be learnt from.

        Raises:
            Lost: it may not.
        """
        if self.lost:
            raise Lost("it was deleted meanwhile" if self.deleted else "the yes was taken back")

    def heeding(self, report: ProgressReport) -> ProgressReport:
        """A progress report that ends the training once it may not go on (`Lost`)."""

        def told(what: str, done: int, total: int, words: str) -> None:
            self.check()
            report(what, done, total, words)

        return told

    def tidy(self, work: Path) -> None:
        """Remove what the training made anew of what may not be learnt from.

        Args:
            work: the folder of its state.

        Raises:
            ModelError: it cannot be removed.
        """
        if self.deleted:
            try:
                self.folder.delete()
            except OSError as error:
                raise ModelError(f"{error.filename}: cannot be deleted ({error.strerror})") from None
        elif self.lost:
            shutil.rmtree(work, ignore_errors=True)


LOCK = "learning.lock"
"""Name of the file that one learning at a time holds."""
