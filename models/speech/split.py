"""A speech engine as a recogniser: encoder and decoder with the listener's frames between them."""

from __future__ import annotations

from typing import Final

from lipstream.models.speech.engine import Encoding, Hypothesis, SpeechEngine
from lipstream.models.speech.guards import is_hallucination
from lipstream.models.speech.recogniser import Hints, Recogniser, Transcript, Utterance
from lipstream.models.speech.spacing import plain
from lipstream.models.speech.tails import without_tail

_SURE_OF_END: Final = 0.85
"""Moonshine is surer than Whisper of a full stop that is none (docs/experiments/live_text.md)."""


class SplitRecogniser(Recogniser):
    """Decodes and times by an engine.

    Args:
        engine: the engine.
        is_listener: whether the frames of the listener are this engine's own; else it encodes the sound itself.
        language: code of the one language it knows; None if that cannot be told.
    """

    def __init__(self, engine: SpeechEngine, *, is_listener: bool, language: str | None = None) -> None:
        self._engine = engine
        self._language = language
        self.reads_frames = is_listener
        self.sure_of_end = _SURE_OF_END
        # An engine of a plug-in may take as long as it likes.
        self.gives_way = is_listener
        self.languages = frozenset() if language is None else frozenset({language})

    def load(self) -> None:
        """Load the engine. Idempotent."""
        self._engine.load()
        self._engine.load_decoder()

    def check(self) -> None:
        """See that the engine can be loaded."""
        self._engine.check()

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        """Read an utterance; see `Recogniser`."""
        encoding = self._frames(utterance)
        if hints.interruption is not None:
            hints.interruption.check()
        hypothesis = self._engine.decode_expecting(encoding, hints.terms, hints.draft)
        if hints.interruption is not None:
            hints.interruption.check()
        if is_hallucination(hypothesis):
            return Transcript(language=self._language, speechless=True)
        words = without_tail(self._engine.align(encoding, hypothesis), 1 / encoding.frame_rate)
        return Transcript(tuple(words), hypothesis.tokens, self._language, closing=self._closing(hypothesis))

    def _closing(self, hypothesis: Hypothesis) -> float:
        """The probability of the tokens at the end that only add signs to the last word."""
        probability, tokens = 1.0, hypothesis.tokens
        words = self._engine.words(tokens)
        while len(words) > 0 and len(tokens) > 1:
            shorter = self._engine.words(tokens[:-1])
            if len(shorter) != len(words) or plain(shorter[-1].text) != plain(words[-1].text):
                break
            tokens = tokens[:-1]
            probability *= hypothesis.probabilities[len(tokens)]
        return probability

    def _frames(self, utterance: Utterance) -> Encoding:
        if self.reads_frames and utterance.encoding is not None:
            return utterance.encoding
        return self._engine.encode(utterance.sound)
