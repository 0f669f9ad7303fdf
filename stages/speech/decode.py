"""Streaming decode: partials with a stable prefix, and one final for each segment."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from lipstream.events import TranscriptFinal, TranscriptPartial, Word
from lipstream.models.speech.engine import Encoding, Hypothesis, SpeechEngine, TimedWord, WordSpan
from lipstream.models.speech.guards import is_hallucination
from lipstream.pipeline import Packet, Port, RecoverableError, Stage, micros, seconds
from lipstream.stages.face.mouth import MOUTH_DELAY
from lipstream.stages.failures import retry, while_running
from lipstream.stages.payloads import EncodedSpeech, Mouth
from lipstream.stages.speech.on_camera import PIECE, speaker_of


class Decode(Stage):
    """Decodes every encoding of a segment and publishes what it says.

    The stable prefix follows local agreement (Liu et al. 2020, arXiv 2005.11185; Machacek et al. 2023, arXiv
    2307.14743): the words on which two consecutive hypotheses agree, less the newest word, which may still be cut
    short. Stable words are forced on every later decoding of the segment, so they are never taken back.

    What is tentative (`EncodedSpeech.tentative`) is shown, but neither stable nor agreed with.

    Where fusion asks for a confidence (`Encoding.least_confidence`), words under it are left out of the text. Of a
    stable word that is decided once, when it becomes stable; of the others anew each time.

    With mouths it is also told who spoke, and whether that was off camera (`on_camera`). With `only_on_camera`,
    what was shown of a segment that turns out to be off camera is taken back by an empty partial.

    Args:
        engine: the recogniser, shared with `Encode`.
        only_on_camera: publish nothing of speech that is off camera.
        history: seconds of mouths kept; at least the longest segment.
    """

    # Mouths first: at equal timestamps they are delivered before the speech that is judged by them.
    inputs: ClassVar[Mapping[str, Port]] = {"mouths": Port(Mouth, optional=True), "speech": Port(EncodedSpeech)}
    if_stuck = ("audio", "the speech decoder does not answer, captions come late; the sound is kept meanwhile")

    def __init__(self, engine: SpeechEngine, *, only_on_camera: bool = False, history: float = 30.0) -> None:
        self._engine = engine
        self._only_on_camera = only_on_camera
        self._history = micros(history)
        self._mouths: deque[Mouth] = deque()
        self._was_off_camera = False
        self._segment = 0
        self._previous: tuple[int, ...] = ()
        self._stable: tuple[int, ...] = ()
        self._kept: list[bool] = []
        self._shown = ("", "")
        self._guess: tuple[EncodedSpeech, Hypothesis] | None = None

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Decode one encoding; remember mouths."""
        if port == "mouths":
            self._mouths.append(packet.payload)
            while self._mouths[0].time < packet.timestamp - self._history:
                self._mouths.popleft()
            return
        speech: EncodedSpeech = packet.payload
        if speech.segment != self._segment:
            self._settle()
            self._segment, self._previous, self._stable, self._shown = speech.segment, (), (), ("", "")
            self._kept = []
        if speech.failed:
            self._settle()
        elif speech.last:
            self._read_last(speech)
        else:
            with while_running("audio", _WHAT):
                hypothesis = self._decode(speech.encoding)
            self._guess = (speech, hypothesis)
            self._update(speech, hypothesis)

    def finish(self) -> None:
        """Let the text of a segment stand whose end never came."""
        self._settle()

    def _read_last(self, speech: EncodedSpeech) -> None:
        try:
            timed = retry(self, _WHAT, lambda: self._read(speech))
        except RecoverableError:
            self._settle()
            raise
        self._guess = None
        self.context.count("audio.recognised_seconds", speech.heard)
        self._finish(speech, timed)

    def _read(self, speech: EncodedSpeech) -> Sequence[TimedWord]:
        if self._guess is not None and speech.prediction and self._guess[0].prediction == speech.prediction:
            # The segment has ended as it was predicted.
            hypothesis = self._guess[1]
        else:
            hypothesis = self._decode(speech.encoding)
        return self._engine.align(speech.encoding, hypothesis) if hypothesis.text else []

    def _settle(self) -> None:
        """Make the last guess of a segment final whose end could not be recognised: what was shown is not taken back.

        Its words get even shares of the time, since the network that knows better has failed.
        """
        guess, self._guess = self._guess, None
        if guess is None:
            return
        speech, hypothesis = guess
        words = self._engine.words(hypothesis.tokens)
        begin = seconds(max(0, speech.speech_start - speech.start))
        step = max(0.0, speech.heard - begin) / max(1, len(words))
        self._finish(
            speech,
            [
                TimedWord(word.text, begin + at * step, begin + (at + 1) * step, hypothesis.confidence(word))
                for at, word in enumerate(words)
            ],
        )

    def _decode(self, encoding: Encoding) -> Hypothesis:
        hypothesis = self._engine.decode(encoding, self._stable, self._previous)
        # Text that was promised is not judged again; nothing doubtful is ever promised.
        return hypothesis if self._stable or not is_hallucination(hypothesis) else _NOTHING

    def _update(self, speech: EncodedSpeech, hypothesis: Hypothesis) -> None:
        if not hypothesis.tokens:
            if not speech.tentative:
                self._previous = ()
            return
        words = self._engine.words(hypothesis.tokens)
        kept = self._worth(speech.encoding, [hypothesis.confidence(word) for word in words])
        if not speech.tentative:
            agreed = self._agreed(words, hypothesis.tokens)
            self._kept = kept[: max(len(self._kept), sum(word.last <= agreed for word in words))]
            self._stable = hypothesis.tokens[:agreed]
            self._previous = hypothesis.tokens
        if self._hidden(speech):
            self._take_back(speech)
            return
        stable = _text(self._engine.words(self._stable), self._kept)
        text = _text(words, kept)
        # The next token may continue the last stable word ("belief" + "."), so the rest is whatever follows directly.
        unstable = text[len(stable) :] if text.startswith(stable) else ""
        if (stable, unstable) != self._shown:
            self._show(speech, stable, unstable)

    def _take_back(self, speech: EncodedSpeech) -> None:
        if self._shown != ("", ""):
            self._show(speech, "", "")

    def _show(self, speech: EncodedSpeech, stable: str, unstable: str) -> None:
        self._shown = (stable, unstable)
        self.publish(
            TranscriptPartial(
                segment=speech.segment,
                start=seconds(speech.speech_start),
                end=seconds(speech.end),
                stable=stable,
                unstable=unstable,
            )
        )

    def _worth(self, encoding: Encoding, confidences: Sequence[float]) -> list[bool]:
        """Which words of a text are shown; of those that are stable it has been decided."""
        return self._kept + [each >= encoding.least_confidence for each in confidences[len(self._kept) :]]

    def _agreed(self, words: Sequence[WordSpan], tokens: Sequence[int]) -> int:
        """Number of tokens that are stable from now on; never fewer than before."""
        same = _common_length(self._previous, tokens)
        agreed = [word.last for word in words[:-1] if word.last <= same]
        return max([len(self._stable), *agreed])

    def _hidden(self, speech: EncodedSpeech) -> bool:
        """Whether the open segment is left out as far as can be told; too early, it is what the one before was."""
        if not self._only_on_camera:
            return False
        if speech.speech_end - speech.speech_start < micros(PIECE + MOUTH_DELAY):
            return self._was_off_camera
        return speaker_of(speech, self._mouths).off_camera

    def _finish(self, speech: EncodedSpeech, timed: Sequence[TimedWord]) -> None:
        worth = self._worth(speech.encoding, [word.confidence for word in timed])
        words = tuple(_place(word, speech) for word, kept in zip(timed, worth, strict=False) if kept)
        if len(words) < len(timed):
            self.context.count("audio.words_left_out", len(timed) - len(words))
        if not words:
            self._take_back(speech)
            return
        speaker = speaker_of(speech, self._mouths)
        self._was_off_camera = speaker.off_camera
        if self._only_on_camera and speaker.off_camera:
            self.context.count("audio.off_camera_seconds", seconds(speech.speech_end - speech.speech_start))
            self._take_back(speech)
            return
        self.publish(
            TranscriptFinal(
                segment=speech.segment,
                start=words[0].start,
                end=words[-1].end,
                text=" ".join(word.word for word in words),
                words=words,
                lip_gate=0.0 if speech.lip_gate is None else float(np.mean(speech.lip_gate)),
                face=speaker.face,
                off_camera=speaker.off_camera,
            )
        )


_WHAT = "the speech decoder"
_COMMAS = re.compile(",{2,}")
_NOTHING = Hypothesis(tokens=(), probabilities=(), text="")


def _text(words: Sequence[WordSpan], kept: Sequence[bool]) -> str:
    return " ".join(_tidy(word.text) for word, shown in zip(words, kept, strict=False) if shown)


def _place(word: TimedWord, speech: EncodedSpeech) -> Word:
    """Move a word's times from the segment to the session; it does not end after what was heard."""
    start, end = (min(speech.end, speech.start + micros(moment)) for moment in (word.start, word.end))
    return Word(
        word=_tidy(word.text),
        start=seconds(start),
        end=seconds(end),
        confidence=round(word.confidence, 4),
        lip_gate=round(_word_gate(word, speech), 4),
    )


def _word_gate(word: TimedWord, speech: EncodedSpeech) -> float:
    """Mean gate of the frames that a word touches."""
    gate = speech.lip_gate
    if gate is None or not len(gate):
        return 0.0
    rate = speech.encoding.frame_rate
    first = min(int(word.start * rate), len(gate) - 1)
    return float(np.mean(gate[first : max(first + 1, math.ceil(word.end * rate))]))


def _tidy(word: str) -> str:
    """Moonshine sometimes says a comma twice ("In short,,")."""
    return _COMMAS.sub(",", word)


def _common_length(first: Sequence[int], second: Sequence[int]) -> int:
    for index, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return index
    return min(len(first), len(second))
