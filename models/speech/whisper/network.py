"""The two networks of Whisper on the processor, from the weights of a CTranslate2 folder.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", arXiv 2212.04356. Weights of linear layers
are int8, the rest is float32.

CTranslate2 itself gives no access to the decoder between two tokens. Here that is needed: to check a guess at a text in
one pass, to lean towards words that are expected, to see where in the sound a token was read, and to stop where the
sound ends.

Shapes: B texts side by side, n tokens, T encoder frames (50 a second), D width, V tokens in all, H heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from lipstream.models.errors import ModelError
from lipstream.models.speech.whisper.ct2_file import Ct2File
from lipstream.models.speech.whisper.int8_linear import Int8Linear

FRAME_RATE: Final = 50.0
"""Encoder frames a second."""
MOST_FRAMES: Final = 1500
"""Encoder frames of 30 s, the one window the network was trained on."""
_EPSILON: Final = 1e-5


class _Norm:
    """Layer normalisation."""

    def __init__(self, file: Ct2File, name: str) -> None:
        self._gain = torch.from_numpy(file.floats(f"{name}/gamma"))
        self._offset = torch.from_numpy(file.floats(f"{name}/beta"))

    def __call__(self, values: Tensor) -> Tensor:
        return functional.layer_norm(values, self._gain.shape, self._gain, self._offset, _EPSILON)


def _linear(file: Ct2File, name: str) -> Int8Linear:
    bias = file.floats(f"{name}/bias") if f"{name}/bias" in file.variables else None
    return Int8Linear(file.floats(f"{name}/weight"), bias)


def _heads(values: Tensor, heads: int) -> Tensor:
    """(B, n, D) -> (B, H, n, D / H)."""
    batch, length, width = values.shape
    return values.view(batch, length, heads, width // heads).transpose(1, 2)


def _joined(values: Tensor) -> Tensor:
    """(B, H, n, D / H) -> (B, n, D)."""
    batch, heads, length, width = values.shape
    return values.transpose(1, 2).reshape(batch, length, heads * width)


class _FeedForward:
    def __init__(self, file: Ct2File, name: str) -> None:
        self._norm = _Norm(file, f"{name}/layer_norm")
        self._wide, self._narrow = _linear(file, f"{name}/linear_0"), _linear(file, f"{name}/linear_1")

    def __call__(self, values: Tensor) -> Tensor:
        return values + self._narrow(functional.gelu(self._wide(self._norm(values))))


class _SelfAttention:
    def __init__(self, file: Ct2File, name: str, heads: int) -> None:
        self._norm = _Norm(file, f"{name}/layer_norm")
        self._enter, self._leave = _linear(file, f"{name}/linear_0"), _linear(file, f"{name}/linear_1")
        self._count = heads

    def everything(self, values: Tensor) -> Tensor:
        """Every frame attends to every other."""
        asked, keys, told = (_heads(part, self._count) for part in self._enter(self._norm(values)).chunk(3, -1))
        return values + self._leave(_joined(functional.scaled_dot_product_attention(asked, keys, told)))

    def onwards(self, values: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Every token attends to those up to it; gives the keys and values of all of them."""
        asked, keys, told = (_heads(part, self._count) for part in self._enter(self._norm(values)).chunk(3, -1))
        if past is not None:
            keys, told = torch.cat((past[0], keys), 2), torch.cat((past[1], told), 2)
        length, known = asked.shape[2], keys.shape[2]
        mask = None
        if length > 1:
            places = torch.arange(known - length, known)[:, None]
            mask = torch.arange(known)[None] <= places
        attended = functional.scaled_dot_product_attention(asked, keys, told, attn_mask=mask)
        return values + self._leave(_joined(attended)), (keys, told)


class _CrossAttention:
    def __init__(self, file: Ct2File, name: str, heads: int) -> None:
        self._norm = _Norm(file, f"{name}/layer_norm")
        self._ask, self._leave = _linear(file, f"{name}/linear_0"), _linear(file, f"{name}/linear_2")
        self._read = _linear(file, f"{name}/linear_1")
        self._count = heads

    def of_sound(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of (1, T, D) frames, each (1, H, T, D / H)."""
        keys, told = (_heads(part, self._count).contiguous() for part in self._read(frames).chunk(2, -1))
        return keys, told

    def __call__(self, values: Tensor, sound: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """What (B, n, D) tokens find in the sound, and (H, B * n, T) where they looked."""
        batch, length, width = values.shape
        keys, told = sound
        # All texts look at the same sound: they are the rows of one matrix.
        asked = _heads(self._ask(self._norm(values)).reshape(1, batch * length, width), self._count)
        looks = (asked @ keys.transpose(-1, -2) * asked.shape[-1] ** -0.5).softmax(-1)
        found = _joined(looks @ told).reshape(batch, length, width)
        return values + self._leave(found), looks[0]


class WhisperEncoder:
    """Spectrogram to frames.

    Unlike the published code it takes spectrograms shorter than 30 s: so much cheaper is it to encode them.
    """

    def __init__(self, file: Ct2File) -> None:
        heads = int(file.variables["encoder/num_heads"])
        self._first, self._second = _convolution(file, 1), _convolution(file, 2)
        self._places = torch.from_numpy(file.floats("encoder/position_encodings/encodings"))
        self._layers = [
            (
                _SelfAttention(file, f"encoder/layer_{n}/self_attention", heads),
                _FeedForward(file, f"encoder/layer_{n}/ffn"),
            )
            for n in range(_layers(file, "encoder"))
        ]
        self._norm = _Norm(file, "encoder/layer_norm")

    @property
    def bands(self) -> int:
        """Mel bands of the spectrogram."""
        return int(self._first[0].shape[1])

    @torch.inference_mode()
    def __call__(self, spectrogram: Tensor) -> Tensor:
        """(bands, 2 T) -> (1, T, D), T at most `MOST_FRAMES`."""
        values = functional.gelu(functional.conv1d(spectrogram[None], *self._first, padding=1))
        values = functional.gelu(functional.conv1d(values, *self._second, stride=2, padding=1)).transpose(1, 2)
        values = values + self._places[: values.shape[1]]
        for attention, feed_forward in self._layers:
            values = feed_forward(attention.everything(values))
        return self._norm(values)


@dataclass(slots=True)
class Sound:
    """Encoder frames as the decoder reads them: keys and values of each of its layers."""

    parts: list[tuple[Tensor, Tensor]]

    def before(self, silence: Sound, most: int) -> Sound:
        """The same with up to `most` frames of `silence` behind it, at the places these have in it."""
        first = self.parts[0][0].shape[2]
        last = min(first + most, silence.parts[0][0].shape[2])
        return Sound(
            [
                (torch.cat((keys, quiet[0][:, :, first:last]), 2), torch.cat((told, quiet[1][:, :, first:last]), 2))
                for (keys, told), quiet in zip(self.parts, silence.parts, strict=True)
            ]
        )

    def behind(self, frames: int) -> Sound:
        """The same without the first frames."""
        return Sound([(keys[:, :, frames:], told[:, :, frames:]) for keys, told in self.parts])


class WhisperDecoder:
    """Frames and the tokens so far to scores of the next. Keeps no state itself."""

    def __init__(self, file: Ct2File, alignment_heads: Sequence[tuple[int, int]] = ()) -> None:
        """Take the weights.

        Args:
            file: the weights.
            alignment_heads: (layer, head) of those that look at the sound of the token they predict; by default those
                of the upper half of the layers.
        """
        heads = int(file.variables["decoder/num_heads"])
        count = _layers(file, "decoder")
        self._embeddings = torch.from_numpy(file.floats("decoder/embeddings/weight"))
        self._places = torch.from_numpy(file.floats("decoder/position_encodings/encodings"))
        self._layers = [
            (
                _SelfAttention(file, f"decoder/layer_{n}/self_attention", heads),
                _CrossAttention(file, f"decoder/layer_{n}/attention", heads),
                _FeedForward(file, f"decoder/layer_{n}/ffn"),
            )
            for n in range(count)
        ]
        self._norm = _Norm(file, "decoder/layer_norm")
        self._score = Int8Linear(file.floats("decoder/projection/weight"))
        upper = [(layer, head) for layer in range(count // 2, count) for head in range(heads)]
        self._aligning: list[list[int]] = [[] for _ in range(count)]
        for layer, head in alignment_heads or upper:
            self._aligning[layer].append(head)

    @property
    def size(self) -> int:
        """How many tokens there are scores for."""
        return len(self._embeddings)

    @property
    def most_tokens(self) -> int:
        """Tokens of a text, those of the prompt counted."""
        return len(self._places)

    @torch.inference_mode()
    def of_sound(self, frames: Tensor) -> Sound:
        """Read (1, T, D) encoder frames once for all texts over them."""
        return Sound([attention.of_sound(frames) for _, attention, _ in self._layers])

    def open(self, sound: Sound) -> OpenText:
        """Begin a text, or some side by side, over a sound."""
        return OpenText(self, sound)

    @torch.inference_mode()
    def step(self, text: OpenText, tokens: Tensor, looks: list[Tensor] | None = None) -> Tensor:
        """Append (B, n) tokens to a text; (B, n, V) scores (logits) of the token after each.

        Args:
            text: changed.
            tokens: for each of the texts side by side.
            looks: gets an (h, n, T) tensor of where the alignment heads of each layer looked; for one text only.
        """
        values = self._embeddings[tokens] + self._places[text.length : text.length + tokens.shape[1]]
        for index, (own, across, feed_forward) in enumerate(self._layers):
            values, text.past[index] = own.onwards(values, text.past[index])
            values, looked = across(values, text.sound.parts[index])
            if looks is not None and self._aligning[index]:
                looks.append(looked[self._aligning[index]])
            values = feed_forward(values)
        text.length += tokens.shape[1]
        return self._score(self._norm(values))


@dataclass(slots=True)
class OpenText:
    """Texts under way, side by side: the keys and values of their tokens.

    Attributes:
        decoder: whose texts they are.
        sound: what they are read from.
        past: for each layer keys and values, (B, H, length, D / H); None before the first token.
        length: tokens so far, those of the prompt counted.
    """

    decoder: WhisperDecoder
    sound: Sound
    past: list[tuple[Tensor, Tensor] | None]
    length: int

    def __init__(self, decoder: WhisperDecoder, sound: Sound) -> None:
        self.decoder, self.sound, self.length = decoder, sound, 0
        self.past = [None] * len(sound.parts)

    def feed(self, tokens: Tensor, looks: list[Tensor] | None = None) -> Tensor:
        """See `WhisperDecoder.step`."""
        return self.decoder.step(self, tokens, looks)

    def crop(self, length: int) -> None:
        """Forget all but the first `length` tokens."""
        if length < self.length:
            self.past = [None if kv is None else (kv[0][:, :, :length], kv[1][:, :, :length]) for kv in self.past]
            self.length = length

    def choose(self, rows: Sequence[int]) -> None:
        """Go on with these of the texts, in this order; one may come several times."""
        index = torch.tensor(rows)
        self.past = [None if kv is None else (kv[0][index], kv[1][index]) for kv in self.past]


def _convolution(file: Ct2File, number: int) -> tuple[Tensor, Tensor]:
    weight, bias = (torch.from_numpy(file.floats(f"encoder/conv{number}/{part}")) for part in ("weight", "bias"))
    return weight, bias


def _layers(file: Ct2File, part: str) -> int:
    numbers = {name.split("/")[1] for name in file.variables if name.startswith(f"{part}/layer_")}
    count = len(numbers - {"layer_norm"})
    if not count:
        raise ModelError(f"these are no weights of Whisper: there is no layer of the {part}")
    return count
