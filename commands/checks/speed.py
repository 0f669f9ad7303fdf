"""What `speech.quality=auto` means on this machine where somebody waits."""

from __future__ import annotations

from collections.abc import Iterator

from lipstream.commands.checks.installation import Finding

_OTHERWISE = "--quality fast or --quality balanced chooses otherwise"


def check_speed() -> Iterator[Finding]:
    """How long Whisper base takes here, measured if that is not known yet, and what is decided by it."""
    from lipstream.config import load_config
    from lipstream.models.errors import ModelError
    from lipstream.models.speech.speed import SPEECH_SECONDS
    from lipstream.stages.speech.readers import MOST_SECONDS, measure_once, quality_of

    config = load_config("live", {"speech.quality": "auto"})
    try:
        seconds = measure_once(config)
    except ModelError as error:
        yield Finding("warning", f"the speed of Whisper base is not known, so live `auto` is fast: {error}", _OTHERWISE)
        return
    if seconds is None:
        what = "Whisper base is not on this machine, so its speed is not known, and live `auto` is fast"
        yield Finding("warning", what, f"lipstream models pull; {_OTHERWISE}")
        return
    took = f"Whisper base takes {seconds:.3g} s for {SPEECH_SECONDS:g} s of speech"
    what = f"{took} (live, up to {MOST_SECONDS:g} s will do): live `auto` is {quality_of(config).value}"
    yield Finding("ok", what, _OTHERWISE)
