"""The vocabulary of Whisper, read from its `tokenizer.json`: pieces of words, languages, and signs for the decoder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import WordSpan
from lipstream.models.speech.spacing import UNSPACED

TASKS: Final = ("transcribe", "translate")
_LANGUAGE = re.compile(r"<\|([a-z]{2,3})\|>")
_END_OF_ENGLISH: Final = 50_256
"""Number of the end token in networks for English alone."""
_BROKEN: Final = "\N{REPLACEMENT CHARACTER}"
_OPENING: Final = frozenset("«“‘„「『（【〔〈《([{¿¡")


class WhisperTokens:
    """Tokens to text and back.

    Attributes:
        end: the token that ends a text; those from it on are signs and no text.
        languages: token of each language the network knows, by its code; empty if it knows English alone.
        size: how many tokens there are.
        no_speech: the token that stands for a sound without speech, in place of a language.
    """

    def __init__(self, path: Path) -> None:
        """Read the vocabulary.

        Raises:
            ModelError: the file is missing or no vocabulary of Whisper.
        """
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises plain Exception
            raise ModelError(f"cannot read {path} ({error}); expected the tokenizer.json of a Whisper model") from error
        self._path = path
        self.size = self._tokenizer.get_vocab_size()
        self.end = self._sign("<|endoftext|>", path)
        self._start = self._sign("<|startoftranscript|>", path)
        self._plain = self._sign("<|notimestamps|>", path)
        self._before = self._tokenizer.token_to_id("<|startofprev|>")
        known = (self._tokenizer.token_to_id(name) for name in ("<|nospeech|>", "<|nocaptions|>"))
        self.no_speech: int = next((token for token in known if token is not None), self._plain - 1)
        self.languages = self._languages()

    def _sign(self, text: str, path: Path) -> int:
        token: int | None = self._tokenizer.token_to_id(text)
        if token is None:
            raise ModelError(f"{path} has no token {text}; expected the tokenizer.json of a Whisper model")
        return token

    def _languages(self) -> dict[str, int]:
        found = {}
        for token in range(self._start + 1, self.size):
            match = _LANGUAGE.fullmatch(self._tokenizer.id_to_token(token) or "")
            if match is None:
                break
            found[match[1]] = token
        # A network for English has the signs too, without having learnt what they are.
        return found if self.end != _END_OF_ENGLISH else {}

    @property
    def before_language(self) -> list[int]:
        """The prompt up to the place where the network tells the language."""
        return [self._start]

    def prompt(self, language: str | None, task: str, before: str = "") -> list[int]:
        """What the decoder begins with.

        Args:
            language: a code in `languages`; ignored by a network for English alone.
            task: one of `TASKS`.
            before: text said before, or words to be expected; its end if it is long.

        Raises:
            ModelError: the network does not know the language.
        """
        signs = [self._start]
        if self.languages:
            if language not in self.languages:
                known = ", ".join(sorted(self.languages))
                raise ModelError(f"Whisper does not know the language {language!r}; it knows {known}")
            signs += [self.languages[language], self._sign(f"<|{task}|>", self._path)]
        signs.append(self._plain)
        if not before or self._before is None:
            return signs
        return [self._before, *self.encode(" " + before.strip())[-_MOST_BEFORE:], *signs]

    def encode(self, text: str) -> list[int]:
        """Text to tokens; the first word of a text that goes on begins with a space."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def text(self, tokens: Sequence[int]) -> str:
        """The text of tokens, stripped, without signs and double spaces."""
        return " ".join(self._decoded([token for token in tokens if token < self.end]).split())

    def words(self, tokens: Sequence[int], language: str | None) -> list[WordSpan]:
        """Split tokens into words, in order; every token belongs to exactly one word."""
        firsts: list[int] = []
        sounding: list[bool] = []
        opening, before = False, " "
        for piece, first in self._pieces(tokens):
            # A sign that opens something belongs to the word after it, whatever spaces there are: French has one.
            apart = not opening and self._stands_apart(piece, language)
            spaced = language in UNSPACED or piece.startswith(" ") or before.isspace()
            opening = (spaced and _opens(piece)) or (opening and not _has_sound(piece))
            before = piece
            if not firsts or apart or (opening and sounding[-1]):
                firsts.append(first)
                sounding.append(False)
            sounding[-1] |= _has_sound(piece)
        # Signs that stand alone ("...") belong to the word before them.
        firsts = [first for at, first in enumerate(firsts) if not at or sounding[at]]
        if len(firsts) > 1 and not self.text(tokens[: firsts[1]]):
            del firsts[1]  # A lone space belongs to the word after it.
        return [
            WordSpan(self.text(tokens[first:last]), first, last)
            for first, last in zip(firsts, [*firsts[1:], len(tokens)], strict=False)
        ]

    def starts_word(self, token: int, language: str | None) -> bool:
        """Whether a token begins a word. One that has no letters does not."""
        piece = self._decoded([token])
        return self._stands_apart(piece, language) and _has_sound(piece)

    def continues_word(self, token: int, language: str | None) -> bool:
        """Whether a token goes on with the word before it."""
        piece = self._decoded([token])
        return language not in UNSPACED and piece[:1].isalnum()

    def closes_word(self, token: int) -> bool:
        """Whether a token is a sign that belongs to the word before it, such as a comma."""
        piece = self._decoded([token])
        return bool(piece) and not piece.startswith(" ") and not self.is_audible(token)

    def is_audible(self, token: int) -> bool:
        """Whether a token has letters or digits, or a part of some."""
        return _has_sound(self._decoded([token]))

    def _stands_apart(self, piece: str, language: str | None) -> bool:
        if language in UNSPACED:
            return any(each.isalnum() for each in piece)
        return piece.startswith(" ")

    def _pieces(self, tokens: Sequence[int]) -> list[tuple[str, int]]:
        """Texts of tokens, and where each begins; tokens that share a character make one text."""
        pieces: list[tuple[str, int]] = []
        first = 0
        for at in range(len(tokens)):
            text = self._decoded(tokens[first : at + 1])
            if not text.endswith(_BROKEN):
                pieces.append((text, first))
                first = at + 1
        if first < len(tokens):
            pieces.append((self._decoded(tokens[first:]), first))
        return pieces

    def _decoded(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=False))


def _opens(piece: str) -> bool:
    """Whether a piece is nothing but signs that open something, at least where a space stands before them."""
    signs = piece.strip()
    return bool(signs) and _OPENING.issuperset(signs)


def _has_sound(piece: str) -> bool:
    return any(each.isalnum() or each == _BROKEN for each in piece)


_MOST_BEFORE: Final = 200
"""Tokens of what was said before: a text and its prompt have 448 in all."""
