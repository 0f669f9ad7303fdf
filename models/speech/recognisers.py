"""The recognisers by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import SpeechEngine
from lipstream.models.speech.recogniser import Recogniser
from lipstream.models.speech.second_opinion import SecondOpinion
from lipstream.models.speech.split import SplitRecogniser
from lipstream.plugins import ENGINES, Plugin, PluginError

NO_OPTIONS: Mapping[str, object] = MappingProxyType({})
TINY = "tiny.en"
"""The one model of Moonshine that there is."""


def listener(threads: int) -> SpeechEngine:
    """The engine whose frames serve lips, active speaker, target mask and the emotion of the voice.

    Args:
        threads: processor threads.
    """
    from lipstream.models.speech.moonshine import MoonshineEngine

    return MoonshineEngine(threads)


def create(
    name: str,
    model: str,
    threads: int,
    listens: SpeechEngine,
    options: Mapping[str, object] = NO_OPTIONS,
    language: str | None = None,
) -> Recogniser:
    """Make a recogniser; nothing is loaded before its `load`.

    Args:
        name: "moonshine", "whisper", "sherpa", or that of a plug-in.
        model: for whisper a size, or the path of a local folder; for sherpa that of a folder; for a plug-in as it says.
        threads: processor threads.
        listens: the listener; Moonshine reads its frames.
        options: what a plug-in is told besides; what ships takes none.
        language: code of the language that will be spoken, for a recogniser that has to know when it loads.

    Raises:
        ModelError: there is no such recogniser or model, the message lists what there is; or a plug-in cannot be used,
            or does not accept its options.
    """
    try:
        plugin = ENGINES.find(name)
        if plugin is not None:
            return _brought(plugin, model, threads, options)
    except PluginError as error:
        raise ModelError(str(error)) from error
    ENGINES.warn_of_shadowed([name])
    if options:
        raise ModelError(f"'speech.options.{next(iter(options))}': there is no such option, {name} takes none")
    if name == "moonshine":
        if model != TINY:
            raise ModelError(
                f"there is no Moonshine model {model!r}, only '{TINY}' (set speech.model); other sizes and languages "
                f"are Whisper's: set speech.engine to whisper as well"
            )
        return SplitRecogniser(listens, is_listener=True, language="en")
    if name == "sherpa":
        from lipstream.models.speech.sherpa import SherpaRecogniser

        return SecondOpinion(SherpaRecogniser(Path(model), threads, language), listens)
    from lipstream.models.speech.whisper.recogniser import WhisperRecogniser

    return SecondOpinion(WhisperRecogniser(model, threads), listens)


def _brought(plugin: Plugin, model: str, threads: int, options: Mapping[str, object]) -> Recogniser:
    made = plugin.create("speech.options", ModelError, model=model, threads=threads, options=dict(options))
    if isinstance(made, SpeechEngine):
        return SplitRecogniser(made, is_listener=False)
    if not isinstance(made, Recogniser):
        raise plugin.unusable(f"it gives {type(made).__name__}, expected a SpeechEngine or a Recogniser")
    return made
