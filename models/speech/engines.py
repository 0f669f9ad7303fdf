"""The recognisers by name."""

from __future__ import annotations

from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import SpeechEngine


def create(name: str, model: str, threads: int) -> SpeechEngine:
    """Make a recogniser; nothing is loaded before its `load`.

    Args:
        name: "moonshine" or "whisper".
        model: for moonshine "tiny.en"; for whisper a size, or the path of a local folder.
        threads: processor threads.

    Raises:
        ModelError: there is no such engine or model; the message lists what there is.
    """
    if name == "moonshine":
        from lipstream.models.speech.moonshine import MoonshineEngine

        if model != "tiny.en":
            raise ModelError(
                f"there is no Moonshine model {model!r}, only 'tiny.en' (set speech.model); other sizes and languages "
                f"are Whisper's: set speech.engine to whisper as well"
            )
        return MoonshineEngine(threads)
    if name == "whisper":
        from lipstream.models.speech.whisper import WhisperEngine

        return WhisperEngine(model, threads)
    raise ModelError(f"there is no speech engine {name!r}, only 'moonshine' and 'whisper' (set speech.engine)")
