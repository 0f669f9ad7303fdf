"""Turns a stretch of clean speech into features, or says why nothing is to be learnt from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from lipstream.models.av_speech.enrolment.asked import BABBLE, HELD_BACK, LEAST_CONFIDENCE
from lipstream.models.av_speech.enrolment.quiet_reader import Heard, read_quietly
from lipstream.models.av_speech.enrolment.take_check import fault
from lipstream.models.av_speech.lip_input import WAVES, thumbs, waves
from lipstream.models.av_speech.recording import Float16, Float32, LipTrack, Recording
from lipstream.models.av_speech.training.encodings import EncodedStretch, Encodings, Mixing, stretches
from lipstream.models.av_speech.training.growing.kept_speech import KeptSpeech
from lipstream.models.av_speech.training.mixtures import mixed
from lipstream.models.speech.engine import SpeechEngine
from lipstream.models.speech.recogniser import Recogniser
from lipstream.models.speech.split import SplitRecogniser

LEAST_WORDS: Final = 2
SHORTEST: Final = 1.0
"""Seconds of the shortest stretch that is learnt from."""
MIXING: Final = Mixing(variants=5)
"""Fewer mixtures than an enrolment makes: this is done while captions run."""


class SpeechKeeper:
    """Makes features of clean speech.

    Args:
        engine: the listener, loaded.
        voices: of other people, for the mixtures.
        mixing: how stretches are mixed.
        reader: whose text is learnt from, loaded; None for the listener itself.
    """

    def __init__(
        self,
        engine: SpeechEngine,
        voices: Sequence[Float32],
        mixing: Mixing = MIXING,
        reader: Recogniser | None = None,
    ) -> None:
        self._engine = engine
        self._voices = voices
        self._mixing = mixing
        self._reader = reader or SplitRecogniser(engine, is_listener=False)

    def unusable(self, recording: Recording) -> str | None:
        """Why a stretch would teach nothing, whatever is said in it, in a few words; None if it may."""
        short = recording.seconds < SHORTEST
        return f"it lasts {recording.seconds:.1f} s, less than {SHORTEST:g}" if short else fault(recording)

    def read(self, recordings: Sequence[Recording]) -> list[Heard]:
        """What is said in stretches of speech that follow each other."""
        return read_quietly([each.sound for each in recordings], self._reader, lambda *_: None)

    def keep(self, recording: Recording, number: int, heard: Heard | None = None) -> KeptSpeech | str:
        """The features of a stretch.

        Args:
            recording: `SHORTEST` to `asked.LONGEST` seconds of one person's speech.
            number: of the stretch, from 1: the mixtures follow from it, and whether it is held back.
            heard: what is said in it; None to read it by itself.

        Returns:
            The features; or in a few words why they would teach nothing.
        """
        if (wrong := self.unusable(recording)) is not None:
            return wrong
        if heard is None:
            (heard,) = self.read([recording])
        if len(heard.words) < LEAST_WORDS or heard.confidence < LEAST_CONFIDENCE:
            return "the recogniser is not sure of the words"
        rng = np.random.default_rng([self._mixing.seed, number])
        if number % HELD_BACK == 0:
            return self._held_back(recording, heard, rng)
        spoken = heard.words[0].start, heard.words[-1].end
        made = stretches(recording.sound, spoken, self._voices, self._mixing, rng)
        encoded = [EncodedStretch(self._frames(each), start, end) for each, start, end in made]
        return _kept(recording, heard, Encodings(encoded[0], encoded[1], tuple(encoded[2:])), None)

    def _held_back(self, recording: Recording, heard: Heard, rng: np.random.Generator) -> KeptSpeech:
        sound = recording.sound
        one, other = (mixed(sound, BABBLE.make(self._voices, len(sound), rng), 0.0) for _ in range(2))
        clean = EncodedStretch(self._frames(sound), 0.0, recording.seconds)
        return _kept(recording, heard, Encodings(clean, clean, ()), (self._frames(one), self._frames(other)))

    def _frames(self, sound: Float32) -> Float16:
        return self._engine.encode(sound).features.astype(np.float16)


def _kept(
    recording: Recording, heard: Heard, encodings: Encodings, babble: tuple[Float16, Float16] | None
) -> KeptSpeech:
    lips = recording.lips
    spoken = tuple((word.text, word.end) for word in heard.words)
    shape, look = _shape(lips), _look(lips)
    return KeptSpeech(encodings, shape, look, lips.mask, heard.text, spoken, recording.seconds, babble)


def _shape(lips: LipTrack) -> Float16:
    return np.concatenate((lips.points.reshape(len(lips.points), -1), lips.blendshapes), axis=1).astype(np.float16)


def _look(lips: LipTrack) -> Float16:
    look = waves(thumbs(lips.crops).astype(np.float32) / np.float32(255))
    return look.reshape(-1, WAVES, WAVES).astype(np.float16)
