"""The growing profile of a name, put together: nothing is loaded before the first clean speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipstream.stages.enrol.growing import Growing
from lipstream.stages.failures import while_loading

if TYPE_CHECKING:
    from lipstream.models.av_speech.training.growing.keeper import SpeechKeeper


def growth_of(name: str, history: float) -> Growing:
    """What a profile grows by in a run.

    Args:
        name: of the profile.
        history: see `Growing`.

    Raises:
        UserError: the name cannot be a file's.
    """
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder
    from lipstream.models.av_speech.training.growing.worker import GrowthWorker

    with while_loading():
        folder = kept_folder(name)
    return Growing(GrowthWorker(folder, _keeper), history)


def _keeper() -> SpeechKeeper:
    from lipstream.models.av_speech.training.growing.keeper import SpeechKeeper
    from lipstream.models.av_speech.training.voices import voices_at_hand
    from lipstream.models.speech.moonshine import MoonshineEngine

    engine = MoonshineEngine(1)
    engine.load()
    return SpeechKeeper(engine, voices_at_hand())
