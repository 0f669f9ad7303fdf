"""The captions of a run on their way into its recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lipstream.config.subtitles import SubtitlesConfig
from lipstream.events import SoundEvent, TranscriptFinal
from lipstream.pipeline import End, Event, EventSink
from lipstream.stages.sinks.speakers import SpeakerBook
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.stages.sinks.subtitles.cutter import CueCutter
from lipstream.stages.sinks.subtitles.sound_marks import SoundMarks


class RecordedCaptions(EventSink):
    """Cuts finished sentences into cues and gives them on at once.

    In a file that is only ever added to a cue cannot change any more, so each sentence is cut for itself. Cut as they
    are for readers, with what comes before and after, and with names and corrections that were told later, cues are
    known at the end.

    Args:
        put: writes cues.
        rules: how they are cut.

    Attributes:
        cues: all of them as a reader wants them; complete once the run is over.
        finals: the sentences, in order, by what is known of them once the run is over.
    """

    def __init__(self, put: Callable[[list[Cue]], None], rules: SubtitlesConfig) -> None:
        self.cues: list[Cue] = []
        self._book = SpeakerBook()
        self.finals: list[TranscriptFinal] = []
        self._sounds: dict[tuple[str, float], SoundEvent] = {}
        self._put = put
        self._rules = rules

    def handle(self, event: Event) -> None:
        """Give on a finished sentence."""
        self._book.take(event)
        if isinstance(event, TranscriptFinal):
            self.finals.append(event)
            self._put(self._cut([self._book.amended(event)]))
        elif isinstance(event, SoundEvent):
            self._sounds[event.label, event.start] = event
        elif isinstance(event, End):
            self.finals = [self._book.amended(final) for final in self.finals]
            marks = SoundMarks(self._rules)
            for sound in self._sounds.values():
                marks.add(sound)
            self.cues = [*marks.among(self._cut(self.finals)), *marks.rest()]

    def _cut(self, finals: Iterable[TranscriptFinal]) -> list[Cue]:
        """The cues of some sentences."""
        cutter = CueCutter(self._rules)
        cutter.know(self._book.names)
        cues = [cue for final in finals for cue in cutter.add(final)]
        return cues + cutter.finish()
