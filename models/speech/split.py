"""A speech engine as a recogniser: encoder and decoder with the listener's frames between them."""

from __future__ import annotations

from lipstream.models.speech.engine import Encoding, SpeechEngine
from lipstream.models.speech.guards import is_hallucination
from lipstream.models.speech.recogniser import Hints, Recogniser, Transcript, Utterance
from lipstream.models.speech.tails import without_tail


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
        self.languages = frozenset() if language is None else frozenset({language})

    def load(self) -> None:
        """Load the engine. Idempotent."""
        self._engine.load()

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        """Read an utterance; see `Recogniser`."""
        encoding = self._frames(utterance)
        hypothesis = self._engine.decode_expecting(encoding, hints.terms, hints.draft)
        if is_hallucination(hypothesis):
            return Transcript(language=self._language, speechless=True)
        words = without_tail(self._engine.align(encoding, hypothesis), 1 / encoding.frame_rate)
        return Transcript(tuple(words), hypothesis.tokens, self._language)

    def _frames(self, utterance: Utterance) -> Encoding:
        if self.reads_frames and utterance.encoding is not None:
            return utterance.encoding
        return self._engine.encode(utterance.sound)
