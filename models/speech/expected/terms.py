"""Terms: words and phrases that a listener is told to expect, such as the names of those who speak.

What decoding makes of them is in `lookahead` (for greedy decoding) and in `models/speech/whisper/expecting.py` (for a
text that is finished).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lipstream.models.errors import ModelError

MOST_TERMS: Final = 500
LONGEST_TERM: Final = 80
"""In characters."""
BONUS: Final = 6.0
"""What a term is worth, chosen in docs/experiments/terms.md."""
MOST_BONUS: Final = 12.0
_COMMENT: Final = "#"


@dataclass(frozen=True, slots=True)
class Terms:
    """Phrases to be expected; false if there are none.

    Attributes:
        phrases: each once, as they are to be written, single spaces between words.
        bonus: nats added to the log-probability of a whole term, in [0, `MOST_BONUS`]. In greedy decoding a term is
            written where the network gives it a probability of exp(-bonus) or more; in place of words of a finished
            text where that and what the text loses by it, in nats, are no more than the bonus in the mean.
    """

    phrases: tuple[str, ...] = ()
    bonus: float = BONUS

    def __post_init__(self) -> None:
        if not 0 <= self.bonus <= MOST_BONUS:
            raise ModelError(f"the bonus of terms is {self.bonus}, expected 0 to {MOST_BONUS:g}")

    def __bool__(self) -> bool:
        return bool(self.phrases)

    @classmethod
    def from_list(cls, phrases: Iterable[str], bonus: float = BONUS) -> Terms:
        """Phrases as a user lists them; what comes twice counts once.

        Raises:
            ModelError: one cannot be used, or they are too many; the message says which and why.
        """
        if isinstance(phrases, str):
            # Its letters would be terms.
            raise ModelError(f"expected a list of terms such as ['Ada Lovelace'], got the text {phrases[:40]!r}")
        numbered = ((f"term {number}", phrase) for number, phrase in enumerate(phrases, 1))
        return cls(_checked(numbered), bonus)

    @classmethod
    def from_file(cls, path: Path, bonus: float = BONUS) -> Terms:
        """A text file in UTF-8, a phrase a line; empty lines, and lines that begin with `#`, are passed over.

        Raises:
            ModelError: the file cannot be read, or a line cannot be used; the message says which and why.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"cannot read the terms in {path}: {error.strerror}") from error
        lines = []
        for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
            where = f"{path}, line {number}"
            try:
                text = line.decode("utf-8").strip()
            except UnicodeDecodeError as error:
                raise ModelError(f"{where}: not UTF-8 (byte {error.start + 1}); save the file as UTF-8") from error
            if text and not text.startswith(_COMMENT):
                lines.append((where, text))
        return cls(_checked(lines), bonus)


NO_TERMS: Final = Terms()


def _checked(phrases: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Phrases tidied, each once; given with the place each comes from."""
    found: dict[str, None] = {}
    for where, phrase in phrases:
        if not isinstance(phrase, str):
            raise ModelError(f"{where}: expected a text, got {phrase!r}")
        text = " ".join(unicodedata.normalize("NFC", phrase).split())
        fault = _fault(text)
        if fault:
            raise ModelError(f"{where}: {fault}")
        found[text] = None
        if len(found) > MOST_TERMS:
            raise ModelError(f"{where}: more than {MOST_TERMS} terms; keep those that matter most")
    return tuple(found)


def _fault(text: str) -> str:
    """What is wrong with a phrase; nothing if it can be used."""
    shown = text if len(text) <= 20 else f"{text[:20]}..."
    if not any(map(str.isalnum, text)):
        return f"{shown!r} has no letter or digit; write a word or a phrase"
    if len(text) > LONGEST_TERM:
        return f"{shown!r} has {len(text)} characters, expected at most {LONGEST_TERM}; a term is a word or a phrase"
    if any(unicodedata.category(each) in ("Cc", "Cs", "Co", "Cn") for each in text):
        return f"{shown!r} has a control character or none that can be written; write it as text"
    return ""
