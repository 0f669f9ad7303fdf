"""Live finals read once more, with what was said after them, and corrected where that reads otherwise."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from lipstream.events import TranscriptCorrected
from lipstream.models.speech.interruption import Interrupted, Interruption
from lipstream.models.speech.recogniser import Transcript, Utterance
from lipstream.models.speech.spacing import left_open, space_of
from lipstream.pipeline import Packet, Port, Stage, seconds
from lipstream.stages.payloads import SpeechChunk
from lipstream.stages.shedding import CORRECTIONS
from lipstream.stages.speech.corrections.payloads import Finished
from lipstream.stages.speech.corrections.precedence import Precedence
from lipstream.stages.speech.corrections.window import Held, Settled, Window, with_joint
from lipstream.stages.speech.joined import LONGEST_PAUSE, divided, sound_of
from lipstream.stages.speech.live_text import revised
from lipstream.stages.speech.onward import SpeechSoFar, closed, continued
from lipstream.stages.speech.placing import placed
from lipstream.stages.speech.reading.expecting import Expecting
from lipstream.stages.speech.reading.reader import Reader, Reading
from lipstream.stages.speech.reading.texts import left_in
from lipstream.stages.speech.turns import spoken_by, who_speaks

log = logging.getLogger(__name__)

AT_END: Final = 3.0
"""Seconds for which a run that comes to its end waits for what is read once more."""
WHEN_STOPPED: Final = 0.5
"""The same of one that is stopped: it is to be over at once."""
LATE: Final = 1.0
"""Seconds that a final comes after the end of its speech."""
MANY_FAILURES: Final = 3
"""Readings that fail one after the other before that is told."""
READ_AGAIN: Final = "audio.read_again"
CORRECTED: Final = "audio.finals_corrected"
GIVEN_UP: Final = "audio.corrections_given_up"


class Correct(Expecting, Stage):
    """Reads each final once more together with the next, and publishes what that changes.

    Nobody waits for it. It reads when finals are not read, gives way in the middle when one comes, and then begins
    again with what is there by then.

    The text of a final is settled by the first reading that knows what came after it; where nothing came, by the last
    one. What a word is part of, and where it stands, is decided for both sides of a pause together (`seams`).

    Args:
        reading: the recognisers; those of `decode` read meanwhile, so that these are others, with the same networks.
        precedence: tells when finals are read; None where they wait for nobody, as in a recording at full pace.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "voice": Port(SpeechChunk, optional=True),
        "finished": Port(Finished),
    }
    outputs: ClassVar[Mapping[str, Port]] = {"corrected": Port(TranscriptCorrected)}

    def __init__(self, reading: Reading, precedence: Precedence | None = None) -> None:
        self._reading = reading
        self._precedence = precedence
        self._reader = Reader(reading, lambda: False)
        self._window = Window()
        self._so_far = SpeechSoFar(reading.onward)
        self._due = False
        self._newest: SpeechChunk | None = None
        self._reached = 0
        self._failures = 0

    def open(self) -> None:
        """Load the recogniser."""
        self._reader.load()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Take a final, and read it with those before it; see where somebody speaks."""
        self._reached = max(self._reached, packet.timestamp)
        if port == "voice":
            self._newest = packet.payload
            return
        finished: Finished = packet.payload
        final, read = finished.final, finished.read
        if final is None or read is None:
            self._end()
            self._so_far.forget()
            return
        continues = self._window.continues(finished, read)
        if continues:
            self._window.goes_on(final.joint)
        if not continues or not self._window.fits(finished):
            self._end()
        self._reader.remember(read, finished.speech.heard)
        self._window.add(finished, read)
        self._due = len(self._window.held) > 1
        self._read()

    def advance(self, frontier: int) -> None:
        """Read what could not be read yet; let go of what nothing goes on with any more."""
        self._reached = max(self._reached, frontier)
        last = self._window.last
        if last is None:
            return
        self._read()
        newest = self._newest
        if newest is None:
            return
        quiet = seconds(self._reached - max(last.speech_end, newest.speech_end))
        # Finals may be behind the sound: of a segment after the next one it is not known what came between.
        begins = newest.segment == last.segment + 1 and seconds(newest.speech_start - last.speech_end) > LONGEST_PAUSE
        if quiet > LONGEST_PAUSE + LATE or begins:
            self._end()

    def finish(self) -> None:
        """Read what is left, as far as there is time."""
        self._end(WHEN_STOPPED if self.context.stopping.is_set() else AT_END)

    def _end(self, patience: float | None = None) -> None:
        """Read what is held if it was not, and let it go: nothing is read with it any more."""
        self._read(patience)
        if self._due:
            self.context.count(GIVEN_UP, 1)
            self._due = False
        self._settle(self._window.end())

    def _read(self, patience: float | None = None) -> None:
        """Read what is held, if that is due and nobody else reads.

        Args:
            patience: seconds that it may take; None for as long as nobody else wants to read.
        """
        if not self._due or self.context.sheds(CORRECTIONS.name):
            return
        if patience is None and self.context.stopping.is_set():
            # The end comes at once, and has its own time for it.
            return
        if self._precedence is None:
            self._read_until(None)
            return
        with self._precedence.giving_way() as interruption:
            timer = None if patience is None else threading.Timer(patience, interruption.ask)
            if timer is not None:
                timer.start()
            try:
                self._read_until(interruption)
            except Interrupted:
                log.debug("a final waits: what is read once more is given up for now")
            finally:
                if timer is not None:
                    timer.cancel()

    def _read_until(self, interruption: Interruption | None) -> None:
        if interruption is not None:
            interruption.check()
        try:
            texts = self._read_together(interruption)
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001 - native runtimes raise classes of their own; the finals stand
            self._failed(error)
            return
        self._failures = 0
        self.recover("audio")
        self._due = False
        self._settle(self._window.read_again(texts))

    def _failed(self, error: Exception) -> None:
        """The finals stand as they are; that it goes wrong is told once it does so again and again."""
        log.debug("reading finals once more failed", exc_info=error)
        self._due = False
        self._failures += 1
        if self._failures == MANY_FAILURES:
            self.degrade("audio", f"finished sentences cannot be read once more: {' '.join(str(error).split())}")

    def _read_together(self, interruption: Interruption | None) -> list[Transcript]:
        """What is said in each of the segments that are held."""
        held = self._window.held
        segments = [each.speech for each in held]
        sound, heard = sound_of(segments), sum(each.heard for each in segments)
        first = held[0]
        before = self._so_far.before(dataclasses.replace(first.speech, samples=sound), first.finished.speaker)
        seen = all(each.encoding.is_seen for each in segments)
        hints = dataclasses.replace(self._reader.hints(), interruption=interruption)
        read = self._reading.final.recognise(Utterance(sound, heard, seen=seen, front=before.front), hints)
        self.context.count(READ_AGAIN, 1)
        texts = []
        for at, (speech, words) in enumerate(zip(segments, divided(read.words, segments), strict=True)):
            last = at == len(segments) - 1
            part = dataclasses.replace(
                read, words=tuple(words), joint="" if at else read.joint, closing=read.closing if last else 1.0
            )
            texts.append(closed(left_in(part, speech, speech), self._reading.final.sure_of_end))
        if before.left_open and read.joint is None:
            texts[0] = dataclasses.replace(texts[0], words=continued(texts[0].words, read.language))
        return texts

    def _settle(self, settled: Sequence[Settled]) -> None:
        for each in settled:
            held, read = each.held, each.corrected
            if read is not None and not each.heard_next and left_open(read.words[-1].text):
                read = dataclasses.replace(read, words=with_joint(read.words, held.joint))
            if read is None or not self._publish(held, read):
                read = held.read
            self._so_far.add(held.speech, read, held.finished.speaker)

    def _publish(self, held: Held, read: Transcript) -> bool:
        """Publish the text of a final, if it is another than what stands; whether it is to stand."""
        final, speech = held.finished.final, held.speech
        assert final is not None
        language = self._reader.written_in(read.language)
        words = tuple(
            spoken_by(placed(word, speech), speech.turns) for word in self._reader.as_wanted(read.words, language)
        )
        if not words:
            return False
        text = space_of(language).join(word.word for word in words)
        if text == f"{final.text}{held.joint}":
            return True
        self.context.count(CORRECTED, 1)
        corrected = TranscriptCorrected(
            segment=final.segment,
            start=words[0].start,
            end=words[-1].end,
            previous=final.text,
            text=text,
            words=words,
            revised=revised([word.word for word in final.words], [word.word for word in words]),
            language=language,
            face=final.face,
            **who_speaks(words, speech.turns),
        )
        if self.context.connected("corrected"):
            # Who looks back on who spoke tells it: both are of the same words.
            self.emit("corrected", corrected, self._reached)
        else:
            self.publish(corrected)
        return True
