"""The recognisers by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import SpeechEngine
from lipstream.plugins import ENGINES, Plugin, PluginError

NO_OPTIONS: Mapping[str, object] = MappingProxyType({})


def create(name: str, model: str, threads: int, options: Mapping[str, object] = NO_OPTIONS) -> SpeechEngine:
    """Make a recogniser; nothing is loaded before its `load`.

    Args:
        name: "moonshine", "whisper", or that of a plug-in.
        model: for moonshine "tiny.en"; for whisper a size, or the path of a local folder; for a plug-in as it says.
        threads: processor threads.
        options: what a plug-in is told besides; what ships takes none.

    Raises:
        ModelError: there is no such engine or model, the message lists what there is; or a plug-in cannot be used, or
            does not accept its options.
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
        from lipstream.models.speech.moonshine import MoonshineEngine

        if model != "tiny.en":
            raise ModelError(
                f"there is no Moonshine model {model!r}, only 'tiny.en' (set speech.model); other sizes and languages "
                f"are Whisper's: set speech.engine to whisper as well"
            )
        return MoonshineEngine(threads)
    from lipstream.models.speech.whisper import WhisperEngine

    return WhisperEngine(model, threads)


def _brought(plugin: Plugin, model: str, threads: int, options: Mapping[str, object]) -> SpeechEngine:
    engine = plugin.create("speech.options", ModelError, model=model, threads=threads, options=dict(options))
    if not isinstance(engine, SpeechEngine):
        raise plugin.unusable(f"it gives {type(engine).__name__}, expected a SpeechEngine")
    return engine
