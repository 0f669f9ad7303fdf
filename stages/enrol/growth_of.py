"""The growing profile of a name, put together: nothing is loaded before the first clean speech."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lipstream.pipeline import Bounds, Graph, micros
from lipstream.stages.enrol.consent import OWN_PROFILE
from lipstream.stages.enrol.growing import Growing
from lipstream.stages.failures import while_loading

if TYPE_CHECKING:
    from lipstream.config import Config
    from lipstream.models.av_speech.recording import Recording
    from lipstream.models.av_speech.training.growing.keeper import SpeechKeeper
    from lipstream.models.av_speech.training.growing.worker import GrowthWorker

_LATE = 5.0
"""Seconds that a finished segment may be behind its lips where a profile grows."""


class LateLearner:
    """A learner that is made for the first recording: who does not agree loads nothing for it.

    Args:
        make: makes the one that learns.
        patience: seconds that the end of a run waits for it, see `GrowthWorker.finish`.
    """

    def __init__(self, make: Callable[[], GrowthWorker], patience: float | None = None) -> None:
        self._make = make
        self._patience = patience
        self._learner: GrowthWorker | None = None

    @property
    def failure(self) -> str | None:
        """Why nothing more is learnt, in one line."""
        return None if self._learner is None else self._learner.failure

    def start(self) -> None:
        """Nothing is to be done yet."""

    def offer(self, recording: Recording) -> bool:
        """Take a recording, if there is room; returns whether it was taken."""
        if self._learner is None:
            self._learner = self._make()
            self._learner.start()
        return self._learner.offer(recording)

    def finish(self) -> None:
        """End, when all that was taken is learnt, or the patience is over."""
        if self._learner is not None:
            self._learner.finish(self._patience)


def growth_of(name: str, config: Config, history: float) -> Growing:
    """What a profile grows by in a run.

    Args:
        name: of the profile.
        config: of the run.
        history: see `Growing`.

    Raises:
        UserError: the name cannot be a file's.
    """
    return Growing(_learner(name, config, lambda: True), history)


def add_growth_by_consent(
    graph: Graph, config: Config, permitted: Callable[[], bool], patience: float | None = None
) -> None:
    """Have the user's own profile grow in a run, for as long as it may; nothing where there are no lips to learn from.

    Args:
        graph: of the run.
        config: of the run.
        permitted: see `Growing`.
        patience: see `LateLearner`.
    """
    if not {"fuse", "face", "lips"} <= graph.components.keys():
        return
    learner = LateLearner(lambda: _learner(OWN_PROFILE, config, permitted), patience)
    connect_growing(graph, config, lambda history: Growing(learner, history, permitted))


def connect_growing(graph: Graph, config: Config, make: Callable[[float], Growing]) -> None:
    """Add it to a graph that has sound, picture and the lips that have a say in the text.

    Args:
        graph: where to add it.
        config: the configuration.
        make: makes it, of its history in seconds.
    """
    lips = "speech_lips.lips" if "speech_lips" in graph.components else "lips.lips"
    history = config.vad.max_segment + config.audio.buffer + _LATE
    graph.add("growing", make(history), skew_limit=micros(1))
    graph.connect("fuse.speech", "growing.speech", Bounds(items=8, duration=micros(60)))
    graph.connect("face.faces", "growing.faces", Bounds(items=4096, duration=micros(60)))
    graph.connect(lips, "growing.lips", Bounds(items=4096, duration=micros(60)))


def _learner(name: str, config: Config, permitted: Callable[[], bool]) -> GrowthWorker:
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder
    from lipstream.models.av_speech.training.growing.worker import GrowthWorker

    with while_loading():
        folder = kept_folder(name)
    return GrowthWorker(folder, lambda: _keeper(config), permitted)


def _keeper(config: Config) -> SpeechKeeper:
    from lipstream.models.av_speech.training.growing.keeper import MIXING, SpeechKeeper
    from lipstream.models.av_speech.training.other_voices import voices_at_hand
    from lipstream.models.speech.moonshine import MoonshineEngine
    from lipstream.stages.speech.readers import quiet_reader

    engine = MoonshineEngine(1)
    engine.load()
    reader = quiet_reader(config, engine)
    reader.load()
    return SpeechKeeper(engine, voices_at_hand(), MIXING, reader)
