"""The two published Moonshine graphs in onnxruntime.

Shapes: S samples, T encoder frames, D = 288 numbers a frame, V text tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lipstream.models.errors import ModelError
from lipstream.models.ort_session import giving_back, open_session
from lipstream.models.speech.engine import Float32
from lipstream.models.speech.tokenizer import END

_PAST: Final = "past_key_values."
_PRESENT: Final = "present."
_OWN: Final = ".decoder."
"""Marks the keys and values of the text's own tokens; the others are those of the audio."""
_FRAME_SAMPLES: Final = 384
"""The decoder reads every 384th entry of its audio mask: one an encoder frame."""


_INNER: Final = tuple(f"/layers.{layer}/Add_1_output_0" for layer in (1, 2, 3))
"""What the second, third and fourth of the six encoder layers hand on. How a word is said is still there to be heard;
the last layer mostly knows which word it is."""


class EncoderGraph:
    """`encoder_model.ort`: audio to frames."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load the graph.

        Raises:
            ModelError: the file is missing or unusable.
        """
        self._session = open_session(path, threads, more_outputs=_INNER)

    def run(self, audio: Float32) -> Float32:
        """(S,) samples -> (T, D) frames."""
        return self.run_inside(audio)[0]

    def run_inside(self, audio: Float32) -> tuple[Float32, Float32]:
        """(S,) samples -> (T, D) frames, and (T, 3 D) those of three inner layers, side by side."""
        feeds = {"input_values": audio[None], "attention_mask": np.ones((1, len(audio)), np.int64)}
        frames, *inner = self._session.run(None, feeds, giving_back())
        return frames[0], np.concatenate(inner, axis=2)[0]


class DecoderGraph:
    """`decoder_model_merged.ort`: frames and the tokens so far to the next token's scores. Keeps no state itself."""

    def __init__(self, path: Path, threads: int, text_end: int) -> None:
        """Load the graph.

        Args:
            path: the file.
            threads: CPU threads.
            text_end: token ids from here on are control tokens and get no score.

        Raises:
            ModelError: the file is missing or unusable.
        """
        self.session = open_session(path, threads)
        self.text_end = text_end
        pasts = [each for each in self.session.get_inputs() if each.name.startswith(_PAST)]
        if not pasts:
            raise ModelError(f"{path} is not the decoder of a Moonshine model; run `lipstream models verify`")
        _, heads, _, width = pasts[0].shape
        self.empty_past = np.zeros((1, heads, 0, width), np.float32)
        self.past_names = [each.name for each in pasts]

    def open(self, features: Float32) -> OpenText:
        """Begin a text over (T, D) frames."""
        return OpenText(self, features)


class OpenText:
    """A text under way: the keys and values of its tokens and of the audio (a `TokenScorer`)."""

    def __init__(self, graph: DecoderGraph, features: Float32) -> None:
        self._session = graph.session
        self._text_end = graph.text_end
        self._own = [name for name in graph.past_names if _OWN in name]
        # Those of the audio are computed by the first call and only read from then on.
        self._outputs = ["logits", *(name.replace(_PAST, _PRESENT) for name in graph.past_names)]
        self._feeds: dict[str, npt.NDArray[Any]] = {
            "encoder_hidden_states": np.ascontiguousarray(features[None], np.float32),
            "encoder_attention_mask": np.ones((1, len(features) * _FRAME_SAMPLES), np.int64),
            "use_cache_branch": np.array([False]),
            **dict.fromkeys(graph.past_names, graph.empty_past),
        }

    def feed(self, tokens: Sequence[int]) -> Float32:
        """Append n tokens; (n, V) scores of the token after each."""
        self._feeds["input_ids"] = np.array([tokens], np.int64)
        scores, *presents = self._session.run(self._outputs, self._feeds)
        for name, present in zip(self._outputs[1:], presents, strict=True):
            self._feeds[name.replace(_PRESENT, _PAST)] = present
        self._feeds["use_cache_branch"] = np.array([True])
        self._outputs = ["logits", *(name.replace(_PAST, _PRESENT) for name in self._own)]
        rows: Float32 = scores[0, :, : self._text_end]
        rows[:, :END] = -np.inf  # Neither "unknown" nor "start" is text.
        return rows

    def crop(self, length: int) -> None:
        """Forget all but the first `length` tokens, the start token counted."""
        if self._feeds[self._own[0]].shape[2] == length:
            return
        for name in self._own:
            self._feeds[name] = np.ascontiguousarray(self._feeds[name][:, :, :length])
