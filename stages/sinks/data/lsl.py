"""A run on the Lab Streaming Layer (https://labstreaminglayer.readthedocs.io), beside EEG and eye trackers."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from lipstream.events import EmotionUpdate, FaceFeatures, TranscriptFinal
from lipstream.pipeline.component import Context, EventSink
from lipstream.pipeline.errors import UserError
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.data.columns import EMOTION, Column
from lipstream.stages.sinks.data.features_columns import seen_columns, seen_values
from lipstream.stages.sinks.text import clean

FEATURES, EMOTIONS, WORDS = "Lipstream features", "Lipstream emotion", "Lipstream words"
"""Names of the streams."""

_EXACT = 200
"""Microseconds between two readings of the session clock within which a reading of LSL's belongs to both."""
_LATER = {"file", "time"}
"""Columns that a sample has no channel for: its time stamp is its time."""

FEATURE_CHANNELS = tuple(column for column in seen_columns(landmarks=False) if column.name not in _LATER)
_OF_ROW = tuple(at for at, column in enumerate(seen_columns(landmarks=False)) if column.name not in _LATER)
EMOTION_CHANNELS = tuple(column for column in EMOTION.columns if column.name not in {"file", "start", "end", "label"})


_WARNINGS = "[log]\nlevel = -1\n"


def library() -> Any:  # noqa: ANN401 - pylsl has no types
    """The module pylsl. Of what liblsl says on standard error, notices are left out, unless somebody has configured it.

    Raises:
        UserError: it is not installed, or finds no liblsl.
    """
    new = "pylsl" not in sys.modules
    try:
        pylsl = import_module("pylsl")
    except ModuleNotFoundError as error:
        raise UserError(
            "Lab Streaming Layer needs pylsl, which is not installed: pip install 'lipstream[lsl]'"
        ) from error
    except (RuntimeError, OSError) as error:
        raise UserError(f"Lab Streaming Layer: pylsl finds no liblsl ({' '.join(str(error).split())})") from error
    if new and not any(path.is_file() for path in _configurations()):
        # Only with a liblsl that can be told.
        with contextlib.suppress(NotImplementedError):
            pylsl.set_config_content(_WARNINGS)
    return pylsl


def _configurations() -> list[Path]:
    """Where liblsl looks for one."""
    named = os.environ.get("LSLAPICFG")
    folders = [Path.home() / "lsl_api", Path("C:/etc/lsl_api" if os.name == "nt" else "/etc/lsl_api")]
    return [*([Path(named)] if named else []), Path("lsl_api.cfg"), *(folder / "lsl_api.cfg" for folder in folders)]


class LslOutlets(EventSink):
    """Sends three streams: the features of faces, emotions, and the words of finished segments as markers.

    Samples have the time of what they tell of, the picture's, the end of the update or the word's beginning, on LSL's
    `local_clock`; words come some seconds after that. No face, and nobody known, is 0. Whoever is in the same network
    can listen.

    Args:
        pylsl: the module.
    """

    def __init__(self, pylsl: Any) -> None:  # noqa: ANN401
        self._pylsl = pylsl
        self._features: Any = None
        self._emotions: Any = None
        self._words: Any = None
        self._clock = SessionToLsl(pylsl)

    def attach(self, context: Context) -> None:
        """Take the surroundings of a run."""
        super().attach(context)
        self._clock.session = context.clock

    def open(self) -> None:
        """Open the outlets."""
        self._features = self._outlet(FEATURES, "FaceFeatures", FEATURE_CHANNELS)
        self._emotions = self._outlet(EMOTIONS, "Emotion", EMOTION_CHANNELS)
        self._words = self._outlet(WORDS, "Markers", ())

    def handle(self, event: Event) -> None:
        """Send what belongs to one of the streams."""
        match event:
            case FaceFeatures():
                values = seen_values(event, "")
                self._features.push_sample([float(values[at]) for at in _OF_ROW], self._clock.of(event.time))  # type: ignore[arg-type]
            case EmotionUpdate():
                judged = event.probabilities.values()
                weights = event.weights["face"], event.weights["voice"]
                speaker = float(event.speaker or 0)
                sample = [float(event.face or 0), *judged, event.valence, event.arousal, *weights, speaker]
                self._emotions.push_sample(sample, self._clock.of(event.end))
            case TranscriptFinal():
                for word in event.words:
                    self._words.push_sample([clean(word.word)], self._clock.of(word.start))

    def close(self) -> None:
        """Close the outlets; who listens is told that they are gone."""
        self._features = self._emotions = self._words = None

    def _outlet(self, name: str, kind: str, channels: Sequence[Column]) -> Any:  # noqa: ANN401
        """An outlet of numbers, or, without channels, of markers."""
        pylsl = self._pylsl
        source = f"{name.lower().replace(' ', '-')}@{platform.node()}"
        value = pylsl.cf_float32 if channels else pylsl.cf_string
        info = pylsl.StreamInfo(name, kind, max(1, len(channels)), pylsl.IRREGULAR_RATE, value, source)
        described = info.desc().append_child("channels")
        for channel in channels:
            about = described.append_child("channel")
            about.append_child_value("label", channel.name)
            about.append_child_value("unit", channel.unit)
            about.append_child_value("description", channel.text)
        return pylsl.StreamOutlet(info)


class SessionToLsl:
    """Session time on LSL's clock. Both are read side by side for every sample: neither may drift from the other.

    Args:
        pylsl: the module.

    Attributes:
        session: the session clock; set before `of`.
    """

    def __init__(self, pylsl: Any) -> None:  # noqa: ANN401
        self._pylsl = pylsl
        self._offset: float | None = None
        self.session: Any = None

    def of(self, time: float) -> float:
        """LSL's time, in seconds, at a session time in seconds."""
        before = self.session.now()
        theirs = self._pylsl.local_clock()
        after = self.session.now()
        # Whoever was interrupted in between has read two moments, and is to believe the last that were one.
        if self._offset is None or after - before <= _EXACT:
            self._offset = theirs - (before + after) / 2e6
        return time + self._offset
