"""What every speech engine must fulfil, whatever its network."""

from __future__ import annotations

import math

import numpy as np

from lipstream.models.speech.engine import SpeechEngine


def check_engine(engine: SpeechEngine, audio: np.ndarray) -> None:
    """Assert the contract on (N,) audio with at least two words of speech."""
    encoding = engine.encode(audio)
    assert encoding.features.ndim == 2
    assert encoding.features.dtype == np.float32
    assert encoding.samples == len(audio)

    hypothesis = engine.decode(encoding)
    assert engine.decode(encoding) == hypothesis
    assert len(hypothesis.probabilities) == len(hypothesis.tokens)
    assert all(0.0 <= each <= 1.0 for each in hypothesis.probabilities)
    assert hypothesis.text == hypothesis.text.strip()

    half = hypothesis.tokens[: len(hypothesis.tokens) // 2]
    forced = engine.decode(encoding, prefix=half, draft=hypothesis.tokens)
    assert forced.tokens[: len(half)] == half
    assert len(forced.probabilities) == len(forced.tokens)

    spans = engine.words(hypothesis.tokens)
    assert [at for span in spans for at in range(span.first, span.last)] == list(range(len(hypothesis.tokens)))
    assert " ".join(span.text for span in spans) == hypothesis.text

    words = engine.align(encoding, hypothesis)
    assert [word.text for word in words] == [span.text for span in spans]
    assert len(words) > 1
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0.0
    assert edges[-1] <= encoding.duration
    assert all(word.end > word.start for word in words)
    for word, span in zip(words, spans, strict=True):
        logs = [math.log(each) for each in hypothesis.probabilities[span.first : span.last]]
        assert math.isclose(word.confidence, math.exp(sum(logs) / len(logs)), rel_tol=1e-6)
