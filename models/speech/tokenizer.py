"""The byte-fallback subword vocabulary of the Moonshine models, read from their `tokenizer.bin`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import WordSpan

START: Final = 1
"""Id of the token every decoding starts from."""
END: Final = 2
"""Id of the token that ends a text."""

_SPACE: Final = "\u2581".encode()
_CONTROL_MARK: Final = b"<<ST_"
_FIRST_BYTE: Final = 3
_LAST_BYTE: Final = 258


class Tokenizer:
    """Turns token ids into text and words.

    Ids 0 to 2 are control tokens, 3 to 258 stand for single bytes (text outside the vocabulary), the rest for pieces
    of UTF-8 in which U+2581 stands for a space; the vocabulary may end with a block of reserved `<<ST_n>>` entries.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        """`pieces[i]` are the bytes of token `i`."""
        self._pieces = tuple(pieces)
        self.text_end = _text_end(self._pieces)
        # Bytes come before the pieces that are single letters and must not stand for them.
        self._ids = {piece: index for index, piece in enumerate(self._pieces) if _LAST_BYTE < index < self.text_end}

    @classmethod
    def from_file(cls, path: Path) -> Tokenizer:
        """Read `tokenizer.bin`: for each id a length and that many bytes.

        Raises:
            ModelError: the file cannot be read or is not such a file.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"cannot read {path}: {error.strerror}; run `lipstream models pull`") from error
        try:
            pieces = _parse(data)
        except IndexError:
            pieces = []
        if len(pieces) <= _LAST_BYTE:
            raise ModelError(f"{path} is not the tokenizer.bin of a Moonshine model; run `lipstream models verify`")
        return cls(pieces)

    def __len__(self) -> int:
        return len(self._pieces)

    def text(self, tokens: Sequence[int]) -> str:
        """The text the tokens spell, its words one space apart.

        Bytes that are not UTF-8 become U+FFFD, control tokens nothing.
        """
        return _readable(b"".join(map(self._piece, tokens)))

    def encode(self, text: str) -> list[int]:
        """The tokens that spell a text, as training had them.

        Byte-pair encoding: of all neighbours that make a piece together, the piece learnt first (the lowest id) is
        joined first. Signs that are no piece become their bytes.
        """
        ids = self._ids
        spelling = _SPACE.decode() + _SPACE.decode().join(text.split())
        parts = [letter.encode() for letter in spelling]
        while True:
            joined = [(ids[one + other], at) for at, (one, other) in enumerate(pairwise(parts)) if one + other in ids]
            if not joined:
                break
            _, at = min(joined)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        tokens = [[ids[part]] if part in ids else [_FIRST_BYTE + byte for byte in part] for part in parts]
        return [token for each in tokens for token in each] if text.strip() else []

    def words(self, tokens: Sequence[int]) -> list[WordSpan]:
        """Split tokens at spaces; every token belongs to exactly one word.

        A token that holds only spaces belongs to the word after it, at the end of the text to the word before it.
        """
        starts: list[int] = []
        in_word = False
        for index, token in enumerate(tokens):
            if not starts or (in_word and self.starts_word(token)):
                starts.append(index)
                in_word = False
            in_word = in_word or bool(_readable(self._piece(token)))
        if len(starts) > 1 and not in_word:
            starts.pop()
        ends = [*starts[1:], len(tokens)]
        return [WordSpan(self.text(tokens[a:b]), a, b) for a, b in zip(starts, ends, strict=False)]

    def starts_word(self, token: int) -> bool:
        """Whether a token begins with a space."""
        piece = self._piece(token)
        return piece.startswith(_SPACE) or piece[:1].isspace()

    def continues_word(self, token: int) -> bool:
        """Whether a token goes on with the word before it: no space, and a letter, a digit or a part of one first."""
        if self.starts_word(token):
            return False
        first = self._piece(token).decode("utf-8", errors="replace")[:1]
        return first.isalnum() or first == "\N{REPLACEMENT CHARACTER}"

    def _piece(self, token: int) -> bytes:
        if _FIRST_BYTE <= token < len(self._pieces):
            return self._pieces[token]
        return b""


def _parse(data: bytes) -> list[bytes]:
    """Entries of one length each: a byte below 128, or two that make `second * 128 + first - 128`."""
    pieces: list[bytes] = []
    at = 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 128:
            length = data[at] * 128 + length - 128
            at += 1
        if at + length > len(data):
            raise IndexError("entry runs past the end")
        pieces.append(data[at : at + length])
        at += length
    return pieces


def _text_end(pieces: Sequence[bytes]) -> int:
    """Index after the last piece that can be part of a text."""
    end = len(pieces)
    while end > 0 and pieces[end - 1].startswith(_CONTROL_MARK):
        end -= 1
    return end


def _readable(spelling: bytes) -> str:
    text = spelling.replace(_SPACE, b" ").decode("utf-8", errors="replace")
    return " ".join(text.split())
