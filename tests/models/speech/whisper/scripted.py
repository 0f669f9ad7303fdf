"""A decoder whose probabilities are told."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lipstream.models.speech.whisper.search import Rules

END = 9
PROMPT = (7, 8)


class ScriptedText:
    """Knows how probable each token is after each text; everything else shares what is left."""

    def __init__(self, decoder):
        self.decoder = decoder
        self.rows: list[tuple[int, ...]] = [()]

    def feed(self, tokens, looks=None):
        assert len(tokens) == len(self.rows)
        found = []
        for at, row in enumerate(np.asarray(tokens).tolist()):
            scores = []
            for token in row:
                self.rows[at] += (token,)
                scores.append(self.decoder.scores(self.rows[at]))
            found.append(scores)
        return np.array(found, np.float32)

    def crop(self, length):
        self.rows = [row[:length] for row in self.rows]

    def choose(self, rows):
        self.rows = [self.rows[row] for row in rows]

    def branched(self, count):
        copies = ScriptedText(self.decoder)
        copies.rows = self.rows * count
        return copies


class ScriptedDecoder:
    most_tokens = 20

    def __init__(self, script: dict[tuple[int, ...], dict[int, float]], end: float = 0.9):
        self.script, self.otherwise = script, {END: end}

    def open(self, sound):
        return ScriptedText(self)

    def scores(self, text):
        chances = self.script.get(text[len(PROMPT) :], self.otherwise)
        rest = (1.0 - sum(chances.values())) / (END + 1 - len(chances))
        return [math.log(chances.get(token, rest)) for token in range(END + 1)]


def rules(size: int = END + 1, end: int = END, never: Sequence[int] = (), first: Sequence[int] = (), most: int = 10):
    allowed = np.zeros(size, np.float32)
    allowed[list(never)] = -np.inf
    at_first = allowed.copy()
    at_first[list(first)] = -np.inf
    return Rules(end, allowed, at_first, most)
