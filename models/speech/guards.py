"""Guards against what speech networks say when there is nothing to say.

On sound without speech Moonshine says the lone token "You", music signs, scripts that are not its own, stock phrases
such as "Thank you for watching.", and phrases repeated without end. The lone "You" also comes on the first 0.2 to 0.6 s
of real speech, and would stand in front of a sentence if it were promised before the sentence is heard: a caller must
not promise what `is_hallucination` rejects.

What the bounds stand on is in docs/experiments/recogniser.md.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lipstream.models.speech.engine import Hypothesis

TOKENS_PER_SECOND: Final = 6.5
"""Most tokens a second of audio holds, the rule published with the Moonshine models."""
EXTRA_TOKENS: Final = 8
"""Added to the rule: right texts of short, fast utterances exceeded it by up to 7 tokens."""

LONGEST_LOOP: Final = 16
"""Longest repeated phrase looked for, in tokens."""
MOST_PHRASE_REPEATS: Final = 2
"""How often in a row a phrase of several words may come: "I know, I know"."""
MOST_HURRIED_REPEATS: Final = 1
"""The same in a text that is too long for its audio, where doubled sentences were seen."""
MOST_WORD_REPEATS: Final = 6
"""How often in a row one word, or a piece of one, may come: "no, no, no, no", ",000,000,000"."""

LEAST_LOG_PROBABILITY: Final = -1.2
"""Mean log-probability below which a text is made up."""
DOUBTFUL_OPENING: Final = 0.25
DOUBTFUL_LOG_PROBABILITY: Final = -0.45
DOUBTFUL_TOKENS: Final = 6
"""A short text that begins with a token of little probability and goes on no better than this is most often a stock
phrase."""


def token_limit(duration: float) -> int:
    """Most tokens `duration` seconds of speech can have."""
    return int(TOKENS_PER_SECOND * duration) + EXTRA_TOKENS


@dataclass(frozen=True, slots=True)
class LoopGuard:
    """Notices, token by token, that a text has run into a loop: a phrase repeated more often than people do.

    Attributes:
        starts_word: whether a token begins a word.
        duration: seconds of audio. A text with more tokens than its speaker can have said is being repeated, not
            heard, so there one repeat of a phrase is enough.
        keep: tokens at the beginning that stay whatever happens.
    """

    starts_word: Callable[[int], bool]
    duration: float
    keep: int = 0

    def __call__(self, tokens: Sequence[int]) -> int:
        """How many tokens to keep: all, or up to the first instance of the phrase the last token completes a loop of.

        To be asked after each new token.
        """
        hurried = len(tokens) > TOKENS_PER_SECOND * self.duration
        phrase_repeats = MOST_HURRIED_REPEATS if hurried else MOST_PHRASE_REPEATS
        for size in range(1, LONGEST_LOOP + 1):
            phrase = tokens[-size:]
            allowed = phrase_repeats if sum(map(self.starts_word, phrase)) > 1 else MOST_WORD_REPEATS
            first = len(tokens) - size * (allowed + 1)
            if (
                first >= 0
                and all(tokens[at : at + size] == phrase for at in range(first, len(tokens), size))
                and not _repeats_itself(phrase)
            ):
                return max(self.keep, first + size)
        return len(tokens)

    def of_whole(self, tokens: Sequence[int]) -> int:
        """How many tokens to keep of a text that is whole already."""
        for length in range(1, len(tokens) + 1):
            if (kept := self(tokens[:length])) < length:
                return kept
        return len(tokens)


def is_hallucination(hypothesis: Hypothesis, script: str = "LATIN") -> bool:
    """Whether a text is more likely made up than heard, and should not be shown.

    Nine in ten texts on sound without speech are rejected, and hardly any on speech; voice activity has to stop the
    rest.

    Args:
        hypothesis: what an engine said.
        script: the script of the language, as Unicode names its letters ("LATIN", "CYRILLIC", ...).
    """
    if not hypothesis.tokens or not _is_written_in(hypothesis.text, script) or is_lone_you(hypothesis):
        return True
    mean = hypothesis.mean_log_probability
    doubtful = (
        len(hypothesis.tokens) <= DOUBTFUL_TOKENS
        and hypothesis.probabilities[0] < DOUBTFUL_OPENING
        and mean < DOUBTFUL_LOG_PROBABILITY
    )
    return doubtful or mean < LEAST_LOG_PROBABILITY


def is_lone_you(hypothesis: Hypothesis) -> bool:
    """Whether the text is the bare word "You".

    A person who says only that gets punctuation, as all one-word utterances do; the network's filler never has it.
    No probability separates the two: the filler reached 0.9.
    """
    return hypothesis.text == "You"


def _is_written_in(text: str, script: str) -> bool:
    """Whether the text has letters or digits, and most letters are of the script."""
    letters = [each for each in text if each.isalpha()]
    if not letters:
        return any(each.isdigit() for each in text)
    return 2 * sum(unicodedata.name(each, "").startswith(script) for each in letters) >= len(letters)


def _repeats_itself(phrase: Sequence[int]) -> bool:
    """Whether a phrase is a shorter one several times over ("no no" is "no"), whose own count is what matters."""
    size = len(phrase)
    return any(
        size % part == 0 and all(phrase[at] == phrase[at % part] for at in range(size)) for part in range(1, size)
    )
