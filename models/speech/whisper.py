"""Whisper through faster-whisper and CTranslate2: an alternative recogniser, for other sizes and languages.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", arXiv 2212.04356.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lipstream.models.assets.store import offline
from lipstream.models.errors import ModelError
from lipstream.models.shared import made_of, shared
from lipstream.models.speech.engine import (
    SAMPLE_RATE,
    Encoding,
    Float32,
    Hypothesis,
    SpeechEngine,
    TimedWord,
    WordSpan,
)
from lipstream.models.speech.greedy import softmax_at
from lipstream.models.speech.guards import LoopGuard, token_limit
from lipstream.models.speech.word_times import timed_words

FRAME_RATE: Final = 50.0
"""Encoder frames a second."""
LONGEST_AUDIO: Final = 30 * SAMPLE_RATE
"""Samples of the one window the network was trained on; everything shorter is padded to it."""

_MEL_FRAMES: Final = 3000
_MEL_FRAME_RATE: Final = 100
_MOST_TOKENS: Final = 448
_UNSPACED_LANGUAGES: Final = frozenset(("zh", "ja", "th", "lo", "my", "yue"))
"""Languages written without spaces, in which each character counts as a word."""


@dataclass(frozen=True, slots=True)
class _Whisper:
    """The parts of a loaded faster-whisper model; that package carries no types."""

    network: Any
    mel: Any
    tokenizer: Any
    storage: Any
    prompt: tuple[int, ...]


class WhisperEngine(SpeechEngine):
    """Whisper of any size with greedy decoding.

    It encodes windows of 30 s, whatever the length of the audio, so `Encoding.features` always has 1,500 frames; those
    past `Encoding.duration` are the padding, which the decoder needs to see. CTranslate2 gives no access to its cache,
    so a draft saves nothing here and is not used.
    """

    def __init__(self, model: str, threads: int = 1, compute_type: str = "int8", language: str = "en") -> None:
        """Prepare an engine.

        Args:
            model: a size faster-whisper knows ("tiny.en", "small", ...), fetched when missing, or a local folder.
            threads: CPU threads.
            compute_type: CTranslate2's arithmetic ("int8", "float32", ...).
            language: code of the language spoken; for models of many languages.
        """
        self._model = model
        self._threads = threads
        self._compute_type = compute_type
        self._language = language
        self._lock = threading.Lock()
        self._loaded: _Whisper | None = None

    def load(self) -> None:
        """Load the network. Idempotent.

        Raises:
            ModelError: faster-whisper is not installed, the model is missing or unusable, or the language unknown.
        """
        with self._lock:
            if self._loaded is None:
                made = self._model, self._threads, self._compute_type, self._language
                self._loaded = shared(("whisper", *made, made_of(Path(self._model))), self._open)

    def _open(self) -> _Whisper:
        try:
            from ctranslate2 import StorageView
            from faster_whisper import WhisperModel
            from faster_whisper.tokenizer import Tokenizer
        except ImportError as error:
            raise ModelError("the whisper engine needs faster-whisper: pip install 'lipstream[whisper]'") from error
        try:
            whisper = WhisperModel(
                self._model,
                device="cpu",
                compute_type=self._compute_type,
                cpu_threads=self._threads,
                local_files_only=offline(),
            )
            tokenizer = Tokenizer(whisper.hf_tokenizer, whisper.model.is_multilingual, "transcribe", self._language)
        except Exception as error:  # CTranslate2 and the hub client raise many classes, with no other common base
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"cannot load Whisper model {self._model!r} ({reason}); give a size such as 'tiny.en', which is "
                "fetched, or a folder with a CTranslate2 model (model.bin, tokenizer.json)"
            ) from error
        prompt = (*tokenizer.sot_sequence, tokenizer.no_timestamps)
        return _Whisper(whisper.model, whisper.feature_extractor, tokenizer, StorageView, prompt)

    def encode(self, audio: Float32) -> Encoding:
        """Encode (N,) float32 audio at 16 kHz in [-1, 1], padded with silence to 30 s.

        Raises:
            ModelError: more than 30 s.
        """
        if len(audio) > LONGEST_AUDIO:
            raise ModelError(f"Whisper takes at most 30 s of audio at once, not {len(audio) / SAMPLE_RATE:.1f} s")
        whisper = self._whisper
        # As the published code does: the normalised spectrogram, not the sound, is padded with zeros.
        mel = whisper.mel(np.asarray(audio, np.float32))[:, :_MEL_FRAMES]
        mel = np.pad(mel, ((0, 0), (0, _MEL_FRAMES - mel.shape[1])))
        frames = np.array(whisper.network.encode(self._view(mel[None]), to_cpu=True))[0]
        return Encoding(frames, FRAME_RATE, len(audio))

    def decode(self, encoding: Encoding, prefix: Sequence[int] = (), draft: Sequence[int] = ()) -> Hypothesis:
        """Greedy decoding, see `SpeechEngine.decode`. The tokens Whisper itself suppresses (signs of non-speech) are.

        Probabilities are those of the distribution the token was chosen from; a prefix token that Whisper suppresses
        has probability 0.
        """
        whisper = self._whisper
        limit = max(token_limit(encoding.duration), len(prefix))
        result = whisper.network.generate(
            self._view(encoding.features[None]),
            [[*whisper.prompt, *prefix]],
            beam_size=1,
            # CTranslate2 allows half of it for the text, and counts the prefix as text.
            max_length=min(_MOST_TOKENS, 2 * max(limit, 1)),
            return_logits_vocab=True,
        )[0]
        tokens = [*prefix, *result.sequences_ids[0][len(prefix) :]]
        tokens = tokens[: _kept(tokens, LoopGuard(self._starts_word, encoding.duration, keep=len(prefix)))]
        scores = zip(tokens, result.logits[0], strict=False)
        probabilities = tuple(softmax_at(np.array(row, np.float32), token) for token, row in scores)
        return Hypothesis(tuple(tokens), probabilities, self._text(tokens))

    def words(self, tokens: Sequence[int]) -> list[WordSpan]:
        """Split tokens into words, in order; every token belongs to exactly one word."""
        tokenizer = self._whisper.tokenizer
        pieces, groups = tokenizer.split_to_word_tokens(list(tokens))
        firsts: list[int] = []
        at = 0
        for piece, group in zip(pieces, groups, strict=True):
            if not firsts or self._begins_word(piece):
                firsts.append(at)
            at += len(group)
        # An unfinished character at the end is in no group.
        lasts = [*firsts[1:], len(tokens)]
        return [
            WordSpan(self._text(tokens[first:last]), first, last) for first, last in zip(firsts, lasts, strict=False)
        ]

    def align(self, encoding: Encoding, hypothesis: Hypothesis) -> list[TimedWord]:
        """Time each word by the decoder's cross-attention; in order, non-overlapping, inside the audio."""
        if not hypothesis.tokens:
            return []
        whisper = self._whisper
        mel_frames = max(1, round(encoding.duration * _MEL_FRAME_RATE))
        aligned = whisper.network.align(
            self._view(encoding.features[None]), whisper.tokenizer.sot_sequence, [list(hypothesis.tokens)], mel_frames
        )[0]
        audible = [any(map(str.isalnum, whisper.tokenizer.decode([token]))) for token in hypothesis.tokens]
        token_times = _without_pauses(_token_times(aligned.alignments, len(audible)), np.array(audible))
        return timed_words(self.words(hypothesis.tokens), token_times, hypothesis, encoding.duration)

    @property
    def _whisper(self) -> _Whisper:
        if self._loaded is None:
            raise ModelError("the whisper engine is not loaded: call load() first")
        return self._loaded

    def _view(self, array: Float32) -> Any:  # noqa: ANN401  (CTranslate2 carries no types)
        return self._whisper.storage.from_array(np.ascontiguousarray(array, np.float32))

    def _text(self, tokens: Sequence[int]) -> str:
        return " ".join(self._whisper.tokenizer.decode(list(tokens)).split())

    def _starts_word(self, token: int) -> bool:
        return self._begins_word(self._whisper.tokenizer.decode([token]))

    def _begins_word(self, piece: str) -> bool:
        if self._whisper.tokenizer.language_code in _UNSPACED_LANGUAGES:
            return any(each.isalnum() for each in piece)
        return piece.startswith(" ")


def _token_times(path: Sequence[tuple[int, int]], count: int) -> Float32:
    """(count, 2) start and end in seconds of each token, from a path of (token, frame) steps.

    A token begins where the path reaches it and ends where it reaches the next; the step after the last token is that
    of the end token.
    """
    reached = np.full(count + 1, -1, np.int64)
    for token, frame in path:
        if token <= count and reached[token] < 0:
            reached[token] = frame
    last = max((frame for _, frame in path), default=0)
    reached[reached < 0] = last
    edges = (np.maximum.accumulate(reached) / FRAME_RATE).astype(np.float32)
    return np.stack([edges[:-1], edges[1:]], axis=1)


def _without_pauses(times: Float32, audible: npt.NDArray[np.bool_]) -> Float32:
    """Take the pauses that Whisper's path gives to punctuation and to the first token out of the words.

    Args:
        times: (N, 2) start and end of each token.
        audible: (N,) whether a token has letters or digits.
    """
    starts, ends = times.T
    ends = np.where(audible, ends, starts)
    if audible.any():
        first = int(audible.argmax())
        # openai-whisper's rule: a first word longer than twice the median holds a pause.
        starts[first] = max(starts[first], ends[first] - 2 * np.median((ends - starts)[audible]))
    return np.stack([starts, ends], axis=1)


def _kept(tokens: Sequence[int], guard: LoopGuard) -> int:
    """How many tokens the guard keeps of a text that is already whole."""
    for length in range(1, len(tokens) + 1):
        kept = guard(tokens[:length])
        if kept < length:
            return kept
    return len(tokens)
