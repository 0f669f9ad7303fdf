"""Text: partials while somebody speaks, and one final for each segment."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from lipstream.events import SpeechUnclear, TranscriptFinal, TranscriptPartial, Word
from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.recogniser import Transcript, Utterance
from lipstream.models.speech.spacing import joined, space_of
from lipstream.pipeline import Packet, Port, RecoverableError, Stage, micros, seconds
from lipstream.stages.face.mouth import MOUTH_DELAY
from lipstream.stages.failures import retry, while_running
from lipstream.stages.payloads import UNCLEAR, AtOnce, EncodedSpeech, Mouth
from lipstream.stages.shedding import SECOND_PASS
from lipstream.stages.speaker.parted import changes, in_whole, parts_of, with_changes
from lipstream.stages.speech.at_once import BothRead, ReadBoth, as_heard, final_of
from lipstream.stages.speech.corrections.payloads import Finished
from lipstream.stages.speech.joined import JoinedSpeech, divided, sound_of
from lipstream.stages.speech.live_text import LiveText, Shown
from lipstream.stages.speech.on_camera import PIECE, remember, speaker_of
from lipstream.stages.speech.onward import Before, Found, SpeechSoFar, closed, continued
from lipstream.stages.speech.placing import placed
from lipstream.stages.speech.reading.expecting import Expecting
from lipstream.stages.speech.reading.reader import Reader, Reading
from lipstream.stages.speech.reading.texts import as_read, by_language, left_in, utterance_of_all, worth
from lipstream.stages.speech.turns import most_of, spoken_by, who_speaks


class Decode(Expecting, Stage):
    """Reads every encoding of a segment and publishes what it says.

    What of a segment stands while it is spoken is `LiveText`'s; what is tentative (`EncodedSpeech.tentative`) is shown
    and lets nothing stand. Every final is read freely, and says what it changes of what stood.

    Where the segment is in a pause that may end it, the final is read ahead: if it ends, its text is there.

    With `Reading.onward` each segment is read behind what was said before it, and a sign at its end that what comes
    next decides is left to that (`onward`).

    Where fusion asks for a confidence (`Encoding.asks`), words under it are left out of the text.

    With mouths it is also told who spoke, and whether that was off camera (`on_camera`). With `only_on_camera`,
    what was shown of a segment that turns out to be off camera is taken back by an empty partial.

    Args:
        reading: the recognisers.
        only_on_camera: publish nothing of speech that is off camera.
        history: seconds of mouths kept; at least the longest segment, and what is joined.
        early: whether the recognisers are loaded before anything comes, so that nothing waits for them, or when there
            is something to read. What the user can mend is told before anything comes in either case.
        wait: seconds behind its end for which finished speech waits for more to be read with; None for as long as
            nothing else is said.
        of_one: whether all of the sound is one person's, also that in which nothing can be read.
    """

    # Mouths first: at equal timestamps they are delivered before the speech that is judged by them.
    inputs: ClassVar[Mapping[str, Port]] = {"mouths": Port(Mouth, optional=True), "speech": Port(EncodedSpeech)}
    outputs: ClassVar[Mapping[str, Port]] = {"finals": Port(TranscriptFinal), "finished": Port(Finished)}
    if_stuck = ("audio", "the speech decoder does not answer, captions come late; the sound is kept meanwhile")

    def __init__(
        self,
        reading: Reading,
        *,
        only_on_camera: bool = False,
        history: float = 30.0,
        early: bool = True,
        wait: float | None = None,
        of_one: bool = False,
    ) -> None:
        self._reading = reading
        self._reader = Reader(reading, lambda: self.context.sheds(SECOND_PASS.name))
        self._early = early
        self._loaded = False
        self._wait = wait
        self._of_one = of_one
        self._only_on_camera = only_on_camera
        self._history = micros(history)
        self._mouths: deque[Mouth] = deque()
        self._was_off_camera = False
        self._segment = 0
        self._text = LiveText()
        self._guess: tuple[EncodedSpeech, Found] | None = None
        self._joined = JoinedSpeech(reading.join)
        self._so_far = SpeechSoFar(reading.onward)
        self._reached = 0
        self._both = ReadBoth()
        self._parted: dict[int, tuple[EncodedSpeech, list[Transcript]]] = {}

    def open(self) -> None:
        """Load the recognisers; where that can wait, see that they can be loaded."""
        if self._early:
            self._load()
        else:
            self._reader.check()

    def _load(self) -> None:
        if not self._loaded:
            self._reader.load()
            self._loaded = True

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Read one encoding; remember mouths."""
        self._reached = max(self._reached, packet.timestamp)
        if port == "mouths":
            remember(self._mouths, packet, self._history)
            return
        self._load()
        speech: EncodedSpeech = packet.payload
        if speech.segment != self._segment:
            self._settle()
            self._segment, self._reader.draft = speech.segment, ()
            self._text.clear()
        if speech.failed:
            self._settle()
            self._forget(speech)
        elif speech.last:
            self._read_last(speech)
        else:
            self._update(speech)

    def advance(self, frontier: int) -> None:
        """Note how far time has come: no final is stamped earlier than what was promised."""
        self._reached = max(self._reached, frontier)
        ended = self._joined.ended
        if self._wait is not None and ended is not None and seconds(self._reached - ended) > self._wait:
            self._read_joined()

    def finish(self) -> None:
        """Let the text of a segment stand whose end never came, and read what waits to be joined."""
        self._read_joined()
        self._settle()

    def _update(self, speech: EncodedSpeech) -> None:
        ahead = bool(speech.prediction)
        if speech.at_once is not None and self._both_of(speech, speech.at_once) is not None:
            # If the segment ends here, both are captioned.
            return
        with while_running("audio", _WHAT):
            found = self._read_ahead(speech) if ahead else Found(self._reader.read_open(speech))
        self._guess, read = (speech, found), found.read
        if not speech.tentative:
            self._reader.draft = read.tokens
        words_read = [word for part in found.said(speech) for word in part.words]
        going_on = self._going_on(worth(words_read, speech), read, self._before(speech))
        language = self._reader.written_in(read.language)
        words = self._reader.as_wanted(going_on, language, open_end=not ahead)
        if self._hidden(speech):
            self._take_back(speech)
            return
        before = self._text.shown
        # In a pause that is taken for the end no word is cut short.
        newest = math.inf if ahead else speech.heard
        space = space_of(language)
        if self._text.add(words, newest, tentative=speech.tentative, space=space) != before:
            self._show(speech, self._text.shown)

    def _read_last(self, speech: EncodedSpeech) -> None:
        if speech.at_once is not None and self._read_both(speech, speech.at_once):
            return
        if self._reading.join:
            alone = self._reading.final.reads_alone(utterance_of_all(speech))
            parts = [speech] if alone else parts_of(speech)
            if len(parts) > 1:
                self._parted[speech.segment] = with_changes(speech, parts), []
            for part in parts:
                if alone or not self._joined.takes(part):
                    self._read_joined()
                self._joined.add(part)
            if alone:
                self._read_joined()
            return
        try:
            found = retry(self, _WHAT, lambda: self._final_of(speech))
        except RecoverableError:
            self._settle()
            raise
        self._guess = None
        self.context.count("audio.recognised_seconds", speech.heard)
        self._conclude(speech, found)
        self.recover("audio")

    def _read_both(self, speech: EncodedSpeech, at_once: AtOnce) -> bool:
        """Read what each of two people says at once; whether both could be read, and were published."""
        both = self._both_of(speech, at_once)
        if both is None:
            return False
        languages = [self._reader.written_in(language) for language in both.languages]
        timed = [
            self._reader.as_wanted(worth(words, as_heard(speech, voice)), language)
            for voice, words, language in zip(at_once.voices, both.words, languages, strict=True)
        ]
        if not all(timed):
            return False
        self._read_joined()
        self.context.count("audio.recognised_seconds", speech.heard)
        self._was_off_camera = False
        texts = (self._text, None)
        for voice, words, language, text in zip(at_once.voices, timed, languages, texts, strict=True):
            self._publish_final(final_of(speech, at_once, voice, words, language, text))
        self._guess = None
        self._forget(speech)
        return True

    def _both_of(self, speech: EncodedSpeech, at_once: AtOnce) -> BothRead | None:
        """What two people say at once, read at the end of a segment or ahead of it; None for what one says."""
        try:
            with while_running("audio", _WHAT):
                return self._both.read(speech, at_once, self._reading.final, self._reader.hints())
        except RecoverableError as error:
            # It is read as what one says.
            self.degrade(error.modality, error.reason)
            return None

    def _read_joined(self) -> None:
        """Read the segments that wait to be read together; one by one where that fails.

        Nothing is raised: what follows a segment that cannot be read is read all the same.
        """
        segments = self._joined.take()
        reads: Sequence[Transcript | None] = ()
        if len(segments) > 1:
            try:
                with while_running("audio", _WHAT):
                    together = self._read_as_one(segments)
                    reads = [read for _, read in zip(segments, together, strict=True)]
            except RecoverableError as error:
                self.degrade(error.modality, error.reason)
        for speech, read in zip(segments, reads or map(self._read_alone, segments), strict=True):
            self._finish_joined(speech, read)
            if read is not None:
                self.recover("audio")

    def _read_alone(self, speech: EncodedSpeech) -> Transcript | None:
        """What is said in one of them; None where it cannot be read."""
        try:
            return retry(self, _WHAT, partial(self._reader.read, speech))
        except RecoverableError as error:
            self.degrade(error.modality, error.reason)
            return None

    def _read_as_one(self, segments: Sequence[EncodedSpeech]) -> Sequence[Transcript]:
        """What is said in each."""
        final, hints = self._reading.final, self._reader.hints()
        seen = all(each.encoding.is_seen for each in segments)
        utterance = Utterance(sound_of(segments), sum(each.heard for each in segments), seen=seen)
        read = final.recognise(utterance, hints)
        self._reader.remember(read, utterance.duration)
        parts = [dataclasses.replace(read, words=tuple(words)) for words in divided(read.words, segments)]
        return final.reviewed([utterance_of_all(each) for each in segments], parts, hints)

    def _finish_joined(self, speech: EncodedSpeech, read: Transcript | None) -> None:
        """Publish a segment, or keep a part of one for its last; a part that could not be read has no words."""
        whole, said = self._parted.get(speech.segment, (speech, []))
        if read is not None:
            self._reader.remember(read, speech.heard)
            said.append(in_whole(read, speech, whole))
        if speech.last:
            self._parted.pop(speech.segment, None)
            if said:
                self.context.count("audio.recognised_seconds", whole.heard)
                self._finish(as_read(whole, *said), said)

    def _final_of(self, speech: EncodedSpeech) -> Found:
        if self._guess is not None and speech.prediction and self._guess[0].prediction == speech.prediction:
            # The segment has ended as it was predicted; now it is known for sure who speaks in it.
            guess, parts = self._guess[1], parts_of(speech)
            if changes(parts) == changes([part for part, _ in guess.parts(speech)]):
                return guess.of(parts)
        return self._read_ahead(speech)

    def _read_ahead(self, speech: EncodedSpeech) -> Found:
        """Read finished speech, or what will be if the pause it is in ends it; each of several people by themselves."""
        first, *others = parts_of(speech)
        if not others:
            return self._read_behind(speech, self._reader.read)
        found = self._read_behind(first, self._reader.read_part)
        read = tuple((part, self._reader.read_part(part)) for part in others)
        return dataclasses.replace(found, first=first, others=read)

    def _read_behind(self, speech: EncodedSpeech, alone: Callable[[EncodedSpeech], Transcript]) -> Found:
        """Read speech behind what was said before it, or by itself where that cannot be."""
        final = self._reading.final
        joins = not final.reads_frames and not self._reader.sheds()
        for way in self._before(speech).ways if joins else ():
            try:
                read = final.recognise(way.with_next(speech), self._reader.hints())
            except Exception:
                # It is tried again, by itself.
                self._so_far.forget()
                raise
            found = way.divided(read, speech)
            if found is not None:
                return found
        return Found(alone(speech))

    def _before(self, speech: EncodedSpeech) -> Before:
        return self._so_far.before(speech, speaker_of(speech, self._mouths)) if self._reading.onward else Before()

    def _settle(self) -> None:
        """Make the last guess of a segment final whose end could not be read: what was shown is not taken back."""
        guess, self._guess = self._guess, None
        if guess is not None:
            self._conclude(*guess)

    def _conclude(self, speech: EncodedSpeech, found: Found) -> None:
        """Publish what was read of a segment, and what only now could be read of those before it."""
        # What was read ahead of the end is read only once, so it is here that it counts.
        newest, read = found.parts(speech)[-1]
        self._reader.remember(read, newest.heard)
        if not self._reading.onward:
            said = found.said(speech)
            self._finish(as_read(_with_changes(speech, found), *said), said)
            return
        for earlier, read in found.earlier:
            self._finish_onward(earlier, Found(read), late=True)
        self._finish_onward(speech, found)

    def _finish_onward(self, speech: EncodedSpeech, found: Found, *, late: bool = False) -> None:
        speech = as_read(_with_changes(speech, found), *found.said(speech))
        parts = [(part, self._left_in(read, part, speech)) for part, read in found.parts(speech)]
        # Of several people the last one may go on in the next segment; before that everybody has come to an end.
        last, newest = parts[-1]
        speaker, before = speaker_of(last, self._mouths), self._before(parts[0][0])
        parts[-1] = last, closed(newest, self._reading.final.sure_of_end)
        first, read = parts[0]
        parts[0] = first, dataclasses.replace(read, words=self._going_on(read.words, read, before))
        joint = (read.joint or "") if before.left_open else ""
        final = self._finish(speech, [in_whole(said, part, speech) for part, said in parts], joint, late=late)
        newest = parts[-1][1]
        if len(parts) > 1:
            self._forget(speech)
        if final is not None and newest.words:
            self._so_far.add(last, newest, speaker)
            if len(parts) == 1:
                self._hand_on(Finished.of(speech, final, newest, speaker))
        elif newest.words or self._reading.mark_unclear or len(parts) > 1:
            self._forget(speech)
        else:
            self._so_far.wait(speech, speaker)

    def _forget(self, speech: EncodedSpeech) -> None:
        """What comes next does not go on from a segment."""
        self._so_far.forget()
        self._hand_on(Finished.of(speech))

    def _hand_on(self, finished: Finished) -> None:
        if self.context.connected("finished"):
            self.emit("finished", finished, self._reached)

    def _left_in(self, read: Transcript, part: EncodedSpeech, whole: EncodedSpeech) -> Transcript:
        """A text with the words that fusion leaves in the segment, as they are shown."""
        left = left_in(read, part, whole)
        if len(left.words) < len(read.words):
            self.context.count("audio.words_left_out", len(read.words) - len(left.words))
        return left

    @staticmethod
    def _going_on(words: Sequence[TimedWord], read: Transcript, before: Before) -> tuple[TimedWord, ...]:
        """Words of a text that may go on in a sentence; what was read with what comes before it is written rightly."""
        return continued(words, read.language) if before.left_open and read.joint is None else tuple(words)

    def _take_back(self, speech: EncodedSpeech) -> None:
        if self._text.shown:
            self._text.clear()
            self._show(speech, Shown())

    def _show(self, speech: EncodedSpeech, shown: Shown) -> None:
        newest = speech.turns[-1] if speech.turns else None
        self.publish(
            TranscriptPartial(
                segment=speech.segment,
                start=seconds(speech.speech_start),
                end=seconds(speech.end),
                stable=shown.stable,
                unstable=shown.unstable,
                speaker=newest.speaker if newest else None,
                speaker_name=newest.name if newest else None,
            )
        )

    def _hidden(self, speech: EncodedSpeech) -> bool:
        """Whether the open segment is left out as far as can be told; too early, it is what the one before was."""
        if not self._only_on_camera:
            return False
        if speech.speech_end - speech.speech_start < micros(PIECE + MOUTH_DELAY):
            return self._was_off_camera
        return speaker_of(speech, self._mouths).off_camera

    def _tell_unclear(self, speech: EncodedSpeech) -> None:
        """Say that speech was heard of which nothing could be read, unless it was too short to be more than a noise."""
        start, end = seconds(speech.speech_start), seconds(min(speech.speech_end, speech.end))
        if end - start < _UNCLEAR_SECONDS or (self._only_on_camera and self._hidden(speech)):
            return
        self.publish(SpeechUnclear(segment=speech.segment, start=start, end=end))
        if self._reading.mark_unclear:
            # Of a voice in which nothing can be read nobody's number is made.
            turns = speech.turns if self._of_one else ()
            words = (spoken_by(Word(word=UNCLEAR, start=start, end=end, confidence=0.0), turns),)
            who = who_speaks(words, turns)
            self._publish_final(
                TranscriptFinal(segment=speech.segment, start=start, end=end, text=UNCLEAR, words=words, **who)
            )

    def _finish(
        self,
        speech: EncodedSpeech,
        said: Sequence[Transcript],
        joint: str = "",
        *,
        late: bool = False,
    ) -> TranscriptFinal | None:
        """Publish the final of a segment, or that nothing could be read; None if there is none.

        Args:
            speech: the segment.
            said: what was read of it: one part after the other where it was parted. Each may be of another language.
            joint: see `TranscriptFinal`.
            late: whether it ended before, and it has been told that nothing could be read; nothing of it is shown.
        """
        words: list[Word] = []
        languages: list[str | None] = []
        for language, timed in by_language(said):
            left, written = worth(timed, speech), self._reader.written_in(language)
            if len(left) < len(timed):
                self.context.count("audio.words_left_out", len(timed) - len(left))
            words += (spoken_by(placed(word, speech), speech.turns) for word in self._reader.as_wanted(left, written))
            languages += [written] * (len(words) - len(languages))
        if not words:
            if not late:
                self._take_back(speech)
                self._tell_unclear(speech)
            return None
        speaker = speaker_of(speech, self._mouths)
        self._was_off_camera = speaker.off_camera
        if self._only_on_camera and speaker.off_camera:
            self.context.count("audio.off_camera_seconds", seconds(speech.speech_end - speech.speech_start))
            if not late:
                self._take_back(speech)
            return None
        final = TranscriptFinal(
            segment=speech.segment,
            start=words[0].start,
            end=words[-1].end,
            text=joined([word.word for word in words], languages),
            words=tuple(words),
            lip_gate=0.0 if speech.lip_gate is None else float(np.mean(speech.lip_gate)),
            face=speaker.face,
            off_camera=speaker.off_camera,
            language=most_of(words, languages),
            revised=() if late else self._text.revisions([word.word for word in words]),
            joint=joint,
            **who_speaks(words, speech.turns),
        )
        self._publish_final(final)
        return final

    def _publish_final(self, final: TranscriptFinal) -> None:
        self.publish(final)
        if self.context.connected("finals"):
            self.emit("finals", final, self._reached)


_UNCLEAR_SECONDS = 0.8
"""Seconds of speech without a word that are told."""
_WHAT = "the speech decoder"


def _with_changes(speech: EncodedSpeech, found: Found) -> EncodedSpeech:
    return with_changes(speech, [part for part, _ in found.parts(speech)])
