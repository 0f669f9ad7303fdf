"""Moonshine tiny.en: the default recogniser, in onnxruntime on the CPU.

Jeffries et al., "Moonshine: Speech Recognition for Live Transcription and Voice Commands", arXiv 2410.15608.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from lipstream.models.errors import ModelError
from lipstream.models.shared import made_of, shared
from lipstream.models.speech.alignment import CrossAttentionAligner, frame_levels
from lipstream.models.speech.engine import (
    SAMPLE_RATE,
    Encoding,
    Float32,
    Hypothesis,
    SpeechEngine,
    TimedWord,
    WordSpan,
)
from lipstream.models.speech.expected.terms import NO_TERMS, Terms
from lipstream.models.speech.expected.trie import TermTrie
from lipstream.models.speech.greedy import Stop, greedy_decode
from lipstream.models.speech.guards import LoopGuard, token_limit
from lipstream.models.speech.moonshine_graph import DecoderGraph, EncoderGraph
from lipstream.models.speech.tokenizer import END, START, Tokenizer
from lipstream.models.speech.word_times import timed_words

FRAME_RATE: Final = SAMPLE_RATE / 384
"""Encoder frames a second: three convolutions with strides 64, 3 and 2."""

SHORTEST_AUDIO: Final = 895
"""Samples the encoder's convolutions need for one frame."""

_ASSETS: Final = tuple(
    f"moonshine-tiny-en/{name}" for name in ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")
)


@dataclass(frozen=True, slots=True)
class MoonshineFiles:
    """The published files of one Moonshine model."""

    encoder: Path
    decoder: Path
    tokenizer: Path


@dataclass(frozen=True, slots=True)
class _Reading:
    """What turns frames into words with times. Nothing of it keeps anything of one text for the next."""

    decoder: DecoderGraph
    tokenizer: Tokenizer
    aligner: CrossAttentionAligner


class MoonshineEngine(SpeechEngine):
    """Moonshine with greedy decoding.

    The result is a function of the arguments alone. A prefix or a draft can change a token now and then by the rounding
    of the int8 network: activations are scaled by the largest of a call, so tokens that go through the network together
    are rounded a little differently than one by one (docs/experiments/recogniser.md).
    """

    def __init__(self, threads: int = 1, files: MoonshineFiles | None = None) -> None:
        """Prepare an engine.

        Args:
            threads: CPU threads for the encoder and for the decoder each.
            files: where the model is; by default the assets `moonshine-tiny-en/...`, fetched when missing.
        """
        self._threads = threads
        self._files = files
        self._lock = threading.Lock()
        self._loaded: EncoderGraph | None = None
        self._reading: _Reading | None = None
        self._expected: tuple[Terms, TermTrie] | None = None

    def load(self) -> None:
        """Load the encoder. Idempotent.

        Raises:
            ModelError: a model file is missing or unusable; the message says which and what to do.
        """
        with self._lock:
            if self._loaded is None:
                files = self._files = self._files or _default_files()
                key = ("moonshine encoder", made_of(files.encoder), self._threads)
                self._loaded = shared(key, lambda: EncoderGraph(files.encoder, self._threads))

    def check(self) -> None:
        """See `SpeechEngine.check`."""
        if self._files is None:
            _default_files(use=False)
            return
        for path in (self._files.encoder, self._files.decoder, self._files.tokenizer):
            if not path.is_file():
                raise ModelError(f"there is no file {path}; expected a part of a Moonshine model")

    def load_decoder(self) -> None:
        """See `SpeechEngine.load_decoder`."""
        self._read_by()

    def encode(self, audio: Float32) -> Encoding:
        """Encode (N,) float32 audio at 16 kHz in [-1, 1]. Less than 56 ms is padded with silence.

        The network normalises over the whole audio and attends to all of it, so frames of a longer stretch are not
        those of a shorter one with more after them. It was trained on up to 64 s.
        """
        padded = np.pad(audio, (0, max(0, SHORTEST_AUDIO - len(audio))))
        if self._loaded is None:
            raise _not_loaded()
        features, inner = self._loaded.run_inside(np.asarray(padded, np.float32))
        levels = frame_levels(audio, len(features), FRAME_RATE)
        return Encoding(features, FRAME_RATE, len(audio), levels, inner)

    def decode(
        self,
        encoding: Encoding,
        prefix: Sequence[int] = (),
        draft: Sequence[int] = (),
        *,
        terms: Terms = NO_TERMS,
    ) -> Hypothesis:
        """Greedy decoding, see `SpeechEngine.decode`; ended by the network, by length, or by a loop.

        A loop, or what exceeds the tokens that speech of this length can have, is cut off; the prefix never is.

        Args:
            encoding: frames from `encode`, possibly refined by fusion.
            prefix: tokens the result must begin with.
            draft: a guess at the whole result; it only saves work.
            terms: words and phrases to expect. The probabilities of the tokens of one that was written so are those
                with its bonus.
        """
        networks = self._read_by()
        stop = Stop(
            token=END,
            limit=max(token_limit(encoding.duration), len(prefix)),
            keep=LoopGuard(networks.tokenizer.starts_word, encoding.duration, keep=len(prefix)),
        )
        text = networks.decoder.open(encoding.features)
        tokens, probabilities = greedy_decode(text, START, prefix, draft, stop, self._trie(terms))
        return Hypothesis(tuple(tokens), tuple(probabilities), networks.tokenizer.text(tokens))

    def decode_expecting(self, encoding: Encoding, terms: Terms, draft: Sequence[int] = ()) -> Hypothesis:
        """Decode with words and phrases to expect."""
        return self.decode(encoding, draft=draft, terms=terms)

    def words(self, tokens: Sequence[int]) -> list[WordSpan]:
        """Split tokens into words, in order; every token belongs to exactly one word."""
        return self._read_by().tokenizer.words(tokens)

    def align(self, encoding: Encoding, hypothesis: Hypothesis) -> list[TimedWord]:
        """Time each word by the decoder's cross-attention; in order, non-overlapping, inside the audio."""
        if not hypothesis.tokens:
            return []
        token_times = self._read_by().aligner.token_times(encoding, hypothesis.tokens, encoding.levels)
        return timed_words(self.words(hypothesis.tokens), token_times, hypothesis, encoding.duration)

    def _trie(self, terms: Terms) -> TermTrie | None:
        """The terms in tokens; those of the last call are kept."""
        if not terms:
            return None
        if self._expected is None or self._expected[0] != terms:
            tokenizer = self._read_by().tokenizer
            self._expected = terms, TermTrie(terms, tokenizer.encode, tokenizer.continues_word)
        return self._expected[1]

    def _read_by(self) -> _Reading:
        """The decoder and what belongs to it, loaded by whoever needs it first."""
        with self._lock:
            files = self._files
            if self._loaded is None or files is None:
                raise _not_loaded()
            if self._reading is None:
                parts = map(made_of, (files.decoder, files.tokenizer))
                self._reading = shared(
                    ("moonshine decoder", *parts, self._threads), lambda: _open(files, self._threads)
                )
            return self._reading


def _not_loaded() -> ModelError:
    return ModelError("the moonshine engine is not loaded: call load() first")


def _open(files: MoonshineFiles, threads: int) -> _Reading:
    tokenizer = Tokenizer.from_file(files.tokenizer)
    aligner = CrossAttentionAligner(files.decoder)
    aligner.load()
    return _Reading(DecoderGraph(files.decoder, threads, tokenizer.text_end), tokenizer, aligner)


def _default_files(*, use: bool = True) -> MoonshineFiles:
    from lipstream.models.assets import resolve  # Here, so that an engine with files of its own needs no manifest.

    return MoonshineFiles(*(resolve(name, use=use) for name in _ASSETS))
