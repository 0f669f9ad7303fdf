"""What `speech.quality=auto` means on this machine where somebody waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lipstream.commands.checks.installation import Finding
from lipstream.config import Config

_OTHERWISE = "--quality fast or --quality balanced chooses otherwise"


def check_speed() -> Iterator[Finding]:
    """How long Whisper base takes here, measured if that is not known yet, and what is decided by it."""
    from lipstream.stages.speech.readers import measure_once

    yield _speed(measure_once)


def check_speed_again() -> Iterator[Finding]:
    """The same, measured now whatever is known, and kept."""
    from lipstream.stages.speech.readers import measure_again

    yield _speed(measure_again)


def _speed(measure: Callable[[Config], float | None]) -> Finding:
    from lipstream.config import load_config
    from lipstream.models.errors import ModelError
    from lipstream.models.speech.speed import SPEECH_SECONDS
    from lipstream.stages.speech.readers import MOST_SECONDS, quality_of

    config = load_config("live", {"speech.quality": "auto"})
    try:
        seconds = measure(config)
    except ModelError as error:
        now = quality_of(config).value
        return Finding("warning", f"the speed of Whisper base is not known, live `auto` is {now}: {error}", _OTHERWISE)
    if seconds is None:
        what = "Whisper base is not on this machine, so its speed is not known, and live `auto` is fast"
        return Finding("warning", what, f"lipstream models pull; {_OTHERWISE}")
    took = f"Whisper base takes {seconds:.3g} s for {SPEECH_SECONDS:g} s of speech"
    what = f"{took} (live, up to {MOST_SECONDS:g} s will do): live `auto` is {quality_of(config).value}"
    return Finding("ok", what, _OTHERWISE)
