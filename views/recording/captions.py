"""The captions of a run on their way into its recording."""

from __future__ import annotations

from collections.abc import Callable

from lipstream.config.subtitles import SubtitlesConfig
from lipstream.events import SoundEvent, TranscriptFinal
from lipstream.pipeline import End, Event, EventSink
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.stages.sinks.subtitles.cutter import CueCutter
from lipstream.stages.sinks.subtitles.sound_marks import SoundMarks


class RecordedCaptions(EventSink):
    """Cuts finished sentences into cues and gives them on at once.

    In a file that is only ever added to a cue cannot change any more, so each sentence is cut for itself. Cut as they
    are for readers, with what comes before and after, cues are known at the end.

    Args:
        put: writes cues.
        rules: how they are cut.

    Attributes:
        cues: all of them as a reader wants them; complete once the run is over.
    """

    def __init__(self, put: Callable[[list[Cue]], None], rules: SubtitlesConfig) -> None:
        self.cues: list[Cue] = []
        self._sounds: dict[tuple[str, float], SoundEvent] = {}
        self._put = put
        self._rules = rules
        self._cutter = CueCutter(rules)

    def handle(self, event: Event) -> None:
        """Give on a finished sentence."""
        if isinstance(event, TranscriptFinal):
            self.cues += self._cutter.add(event)
            alone = CueCutter(self._rules)
            self._put(alone.add(event) + alone.finish())
        elif isinstance(event, SoundEvent):
            self._sounds[event.label, event.start] = event
        elif isinstance(event, End):
            marks = SoundMarks(self._rules)
            for sound in self._sounds.values():
                marks.add(sound)
            self.cues = [*marks.among(self.cues + self._cutter.finish()), *marks.rest()]
