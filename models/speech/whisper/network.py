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
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lipstream.models.onnx_graph import OnnxGraph
from lipstream.models.ort_session import giving_back
from lipstream.models.speech.engine import Float32
from lipstream.models.speech.interruption import Interruption
from lipstream.models.speech.whisper.ct2_file import Ct2File
from lipstream.models.speech.whisper.layers import Layers, Precision, count_layers

FRAME_RATE: Final = 50.0
"""Encoder frames a second."""
MOST_FRAMES: Final = 1500
"""Encoder frames of 30 s, the one window the network was trained on."""

Int64 = npt.NDArray[np.int64]


class WhisperEncoder:
    """Spectrogram to frames.

    Unlike the published code it takes spectrograms shorter than 30 s: so much cheaper is it to encode them.

    Args:
        file: the weights.
        threads: processor threads.
        precision: of the linear layers.
    """

    def __init__(self, file: Ct2File, threads: int = 1, precision: Precision = "int8") -> None:
        layers = Layers.of("encoder", file, precision)
        graph = layers.graph
        first = file.floats("encoder/conv1/weight")
        self.bands = int(first.shape[1])
        """Mel bands of the spectrogram."""
        values = graph.input("spectrogram", (1, self.bands, "columns"))
        for number, stride in ((1, 1), (2, 2)):
            weight, bias = (graph.constant(file.floats(f"encoder/conv{number}/{part}")) for part in ("weight", "bias"))
            values = graph.apply("Conv", values, weight, bias, kernel_shape=[3], pads=[1, 1], strides=[stride])
            values = graph.apply("Gelu", values)
        values = graph.apply("Transpose", values, perm=[0, 2, 1])
        length = graph.apply("Slice", graph.apply("Shape", values), graph.sizes(1), graph.sizes(2))
        places = graph.constant(file.floats("encoder/position_encodings/encodings"))
        values = graph.apply("Add", values, graph.apply("Slice", places, graph.sizes(0), length, graph.sizes(0)))
        for number in range(count_layers(file, "encoder")):
            values = layers.everything(values, f"encoder/layer_{number}/self_attention")
            values = layers.feed_forward(values, f"encoder/layer_{number}/ffn")
        graph.output("frames", layers.norm(values, "encoder/layer_norm"), (1, "frames", layers.width))
        self._session = graph.open(threads)

    def __call__(self, spectrogram: Float32, interruption: Interruption | None = None) -> Float32:
        """(bands, 2 T) -> (1, T, D), T at most `MOST_FRAMES`.

        Raises:
            Interrupted: it was asked for.
        """
        given, options = {"spectrogram": np.ascontiguousarray(spectrogram[None])}, giving_back()
        with nullcontext() if interruption is None else interruption.ending(options):
            found: Float32 = self._session.run(None, given, options)[0]
        return found


@dataclass(slots=True)
class Sound:
    """Encoder frames as the decoder reads them: keys and values of each of its layers.

    Attributes:
        parts: for each layer keys (1, H, D / H, T) and values (1, H, T, D / H).
    """

    parts: list[tuple[Float32, Float32]]

    @classmethod
    def of_frames(cls, arrays: Sequence[Float32]) -> Sound:
        """Of what `by_frames` gave."""
        pairs = zip(arrays[::2], arrays[1::2], strict=True)
        return cls([(keys.transpose(0, 2, 3, 1), told.transpose(0, 2, 1, 3)) for keys, told in pairs])

    def by_frames(self) -> tuple[Float32, ...]:
        """Keys and values, layer after layer, (1, T, H, D / H): a few frames of them lie together."""
        pairs = ((keys.transpose(0, 3, 1, 2), told.transpose(0, 2, 1, 3)) for keys, told in self.parts)
        return tuple(each for pair in pairs for each in pair)

    @property
    def frames(self) -> int:
        """T."""
        return len(self.parts[0][1][0, 0])

    def before(self, silence: Sound, most: int) -> Sound:
        """The same with up to `most` frames of `silence` behind it, at the places these have in it."""
        first = self.frames
        last = min(first + most, silence.frames)
        return Sound(
            [
                (
                    np.concatenate((keys, quiet[0][:, :, :, first:last]), 3),
                    np.concatenate((told, quiet[1][:, :, first:last]), 2),
                )
                for (keys, told), quiet in zip(self.parts, silence.parts, strict=True)
            ]
        )

    def behind(self, frames: int) -> Sound:
        """The same without the first frames."""
        return Sound([(keys[:, :, :, frames:], told[:, :, frames:]) for keys, told in self.parts])


class WhisperDecoder:
    """Frames and the tokens so far to scores of the next. Keeps no state itself."""

    def __init__(
        self,
        file: Ct2File,
        alignment_heads: Sequence[tuple[int, int]] = (),
        threads: int = 1,
        precision: Precision = "int8",
    ) -> None:
        """Take the weights.

        Args:
            file: the weights.
            alignment_heads: (layer, head) of those that look at the sound of the token they predict; by default those
                of the upper half of the layers.
            threads: processor threads.
            precision: of the linear layers.
        """
        layers = Layers.of("decoder", file, precision)
        self._file = file
        self._shape = (layers.heads, layers.width // layers.heads)
        self._count = count_layers(file, "decoder")
        self._places = file.floats("decoder/position_encodings/encodings")
        upper = [(layer, head) for layer in range(self._count // 2, self._count) for head in range(layers.heads)]
        aligning: list[list[int]] = [[] for _ in range(self._count)]
        for layer, head in alignment_heads or upper:
            if head >= layers.heads:
                raise IndexError(f"there is no head {head}")
            aligning[layer].append(head)
        self._looking = [f"looks{index}" for index, heads in enumerate(aligning) if heads]
        self._reader = _sound_reader(Layers.of("decoder", file, precision), self._count, threads)
        self._step = _step(layers, aligning, threads)
        self._told = [f"{part}{index}" for index in range(self._count) for part in ("keys", "values")]

    @property
    def size(self) -> int:
        """How many tokens there are scores for."""
        return len(self._file.variables["decoder/embeddings/weight"])

    @property
    def most_tokens(self) -> int:
        """Tokens of a text, those of the prompt counted."""
        return len(self._places)

    def of_sound(self, frames: Float32) -> Sound:
        """Read (1, T, D) encoder frames once for all texts over them."""
        found = self._reader.run(self._told, {"frames": frames})
        return Sound(list(zip(found[::2], found[1::2], strict=True)))

    def open(self, sound: Sound) -> OpenText:
        """Begin a text, or some side by side, over a sound."""
        nothing = np.zeros((1, self._shape[0], 0, self._shape[1]), np.float32)
        return OpenText(self, sound, [(nothing, nothing)] * self._count)

    def step(self, text: OpenText, tokens: npt.ArrayLike, looks: list[Float32] | None = None) -> Float32:
        """Append (B, n) tokens to a text; (B, n, V) scores (logits) of the token after each.

        Args:
            text: changed.
            tokens: for each of the texts side by side.
            looks: gets an (h, n, T) array of where the alignment heads of each layer looked; for one text only.
        """
        rows: Int64 = np.asarray(tokens, np.int64)
        places = self._places[text.length : text.length + rows.shape[1]]
        given: dict[str, Any] = {"tokens": self._file.rows("decoder/embeddings/weight", rows) + places}
        for index, ((keys, told), (seen, heard)) in enumerate(zip(text.past, text.sound.parts, strict=True)):
            given |= {f"past_keys{index}": keys, f"past_values{index}": told}
            given |= {f"sound_keys{index}": seen, f"sound_values{index}": heard}
        wanted = ["scores", *self._told, *(self._looking if looks is not None else ())]
        scores, *found = self._step.run(wanted, given)
        kept = found[: 2 * self._count]
        text.past = list(zip(kept[::2], kept[1::2], strict=True))
        text.length += rows.shape[1]
        if looks is not None:
            looks += found[2 * self._count :]
        result: Float32 = scores
        return result


@dataclass(slots=True)
class OpenText:
    """Texts under way, side by side: the keys and values of their tokens.

    Attributes:
        decoder: whose texts they are.
        sound: what they are read from.
        past: for each layer keys and values, (B, H, length, D / H).
        length: tokens so far, those of the prompt counted.
    """

    decoder: WhisperDecoder
    sound: Sound
    past: list[tuple[Float32, Float32]]
    length: int = 0

    def feed(self, tokens: npt.ArrayLike, looks: list[Float32] | None = None) -> Float32:
        """See `WhisperDecoder.step`."""
        return self.decoder.step(self, tokens, looks)

    def crop(self, length: int) -> None:
        """Forget all but the first `length` tokens."""
        if length < self.length:
            self.past = [
                (np.ascontiguousarray(keys[:, :, :length]), np.ascontiguousarray(told[:, :, :length]))
                for keys, told in self.past
            ]
            self.length = length

    def branched(self, count: int) -> OpenText:
        """So many copies of one text side by side, which go on by themselves."""
        copies = OpenText(self.decoder, self.sound, list(self.past), self.length)
        copies.choose([0] * count)
        return copies

    def choose(self, rows: Sequence[int]) -> None:
        """Go on with these of the texts, in this order; one may come several times."""
        index = list(rows)
        if index != list(range(len(self.past[0][0]))):
            self.past = [(keys[index], told[index]) for keys, told in self.past]


def _sound_reader(layers: Layers, count: int, threads: int) -> Any:  # noqa: ANN401  (onnxruntime carries no types)
    """Encoder frames to the keys and values of each layer of the decoder."""
    graph, heads, size = layers.graph, layers.heads, layers.width // layers.heads
    frames = graph.input("frames", (1, "T", layers.width))
    for index in range(count):
        keys, told = layers.of_sound(frames, f"decoder/layer_{index}/attention")
        graph.output(f"keys{index}", keys, (1, heads, size, "T"))
        graph.output(f"values{index}", told, (1, heads, "T", size))
    return graph.open(threads)


def _step(layers: Layers, aligning: Sequence[Sequence[int]], threads: int) -> Any:  # noqa: ANN401
    """Tokens to the scores of the next, the keys and values of all so far, and where the alignment heads looked."""
    graph, heads, size = layers.graph, layers.heads, layers.width // layers.heads
    values = graph.input("tokens", ("B", "n", layers.width))
    mask = ""
    for index, looking in enumerate(aligning):
        past = (
            graph.input(f"past_keys{index}", ("B", heads, "length", size)),
            graph.input(f"past_values{index}", ("B", heads, "length", size)),
        )
        sound = (
            graph.input(f"sound_keys{index}", (1, heads, size, "T")),
            graph.input(f"sound_values{index}", (1, heads, "T", size)),
        )
        mask = mask or _mask(graph, past[0], values)
        values, (keys, told) = layers.onwards(values, f"decoder/layer_{index}/self_attention", past, mask)
        values, looks = layers.across(values, f"decoder/layer_{index}/attention", sound)
        values = layers.feed_forward(values, f"decoder/layer_{index}/ffn")
        graph.output(f"keys{index}", keys, ("B", heads, "known", size))
        graph.output(f"values{index}", told, ("B", heads, "known", size))
        if looking:
            chosen = graph.apply("Gather", looks, graph.sizes(*looking), axis=1)
            graph.output(f"looks{index}", graph.apply("Squeeze", chosen, graph.sizes(0)), (len(looking), "rows", "T"))
    scores = layers.linear(layers.norm(values, "decoder/layer_norm"), "decoder/projection")
    graph.output("scores", scores, ("B", "n", "V"))
    return graph.open(threads)


def _mask(graph: OnnxGraph, past: str, tokens: str) -> str:
    """(n, length + n): 0 where a token may look, -inf at those after it."""
    zero, one = (graph.constant(np.int64(number)) for number in (0, 1))
    length = graph.apply("Gather", graph.apply("Shape", past), graph.constant(np.int64(2)))
    count = graph.apply("Gather", graph.apply("Shape", tokens), one)
    known = graph.apply("Add", length, count)
    places = graph.apply("Range", zero, known, one)
    own = graph.apply("Unsqueeze", graph.apply("Range", length, known, one), graph.sizes(1))
    later = graph.apply("Greater", graph.apply("Unsqueeze", places, graph.sizes(0)), own)
    return graph.apply("Where", later, graph.constant(np.float32(-np.inf)), graph.constant(np.float32(0)))
