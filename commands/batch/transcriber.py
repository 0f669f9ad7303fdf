"""Captions one recording of a batch: the very run that `file` makes, without a terminal."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from lipstream import Pipeline
from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.settings import Settings
from lipstream.commands.batch.work import Report, Stopped
from lipstream.commands.outputs import Outputs, writers_for
from lipstream.commands.running import Outcome, execute
from lipstream.config import Config
from lipstream.events import Remark, TranscriptFinal
from lipstream.pipeline import Degraded, Event, EventSink, PipelineError, Stats
from lipstream.pipeline.running.memory import give_back
from lipstream.stages.sinks import Writer


class Unrecognised(PipelineError):
    """There is speech, but recognition failed on all of it."""


class Incomplete(PipelineError):
    """The run is over, but not all of its outputs could be completed."""


class Tally(EventSink):
    """Counts the words, and keeps why something is missing, and what else is said of the recording.

    Attributes:
        words: how many were written.
        reasons: a line each, in the order in which they were told first.
    """

    def __init__(self) -> None:
        self.words = 0
        self.reasons: dict[str, None] = {}

    def handle(self, event: Event) -> None:
        """Count."""
        if isinstance(event, TranscriptFinal):
            self.words += len(event.words)
        elif isinstance(event, Degraded):
            self.reasons[event.reason] = None
        elif isinstance(event, Remark):
            self.reasons[event.text] = None


class Transcriber:
    """Captions recordings one after the other; networks stay loaded from one to the next.

    Args:
        settings: of all recordings.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, recording: Recording, path: Path, folder: Path) -> Report:
        """Caption one.

        Args:
            recording: which; its outputs are called by its name and tell its source.
            path: where it lies.
            folder: where its outputs go.

        Raises:
            UserError, ModelError, PipelineError: it cannot be captioned.
            Stopped: the process is asked to end.
        """
        config = self._settings.config_of(recording).model_copy(update={"input": path})
        writers = {name: without_clock(writer) for name, writer in self._writers(config).items()}
        tally = Tally()
        with Outputs(folder, recording.name.rpartition("/")[2], writers, recording.source) as outputs:
            pipeline = Pipeline(config)
            pipeline.add_sink("tally", tally)
            outcome = execute(pipeline, outputs, None)
        give_back()
        if outcome.interrupted:
            # The signal was taken as a wish to end the run; who began this process means the process.
            os.kill(os.getpid(), signal.SIGTERM)
            raise Stopped
        if outcome.unrecognised:
            raise Unrecognised("there is speech, but recognition failed on all of it")
        if cut := [writer.path.name for writer in outputs.writers.values() if not writer.saved]:
            raise Incomplete(f"{', '.join(cut)} could not be completed")
        return _report(outcome, outputs, tally)

    def _writers(self, config: Config) -> dict[str, type[Writer]]:
        return writers_for(self._settings.formats, config.emotion.enabled, self._settings.vtt_emotion, config)


def without_clock(writer: type[Writer]) -> type[Writer]:
    """The writer without what depends on the machine and its load: the same recording gives the same bytes."""

    class Timeless(writer):  # type: ignore[misc, valid-type] # made for each format, plug-ins' included
        def write(self, event: Event) -> None:
            if not isinstance(event, Stats):
                super().write(event)

    return Timeless


def _report(outcome: Outcome, outputs: Outputs, tally: Tally) -> Report:
    losses = [each.strip() for each in outcome.losses.split(";") if each.strip()]
    notes = [*tally.reasons, *losses]
    return Report(outcome.end.duration if outcome.end else 0.0, tally.words, outputs.saved, notes)
