"""YAMNet: how likely each of 521 kinds of sound is heard.

A MobileNet v1 over log-mel spectrograms, trained on AudioSet (Plakal and Ellis, github.com/tensorflow/models,
research/audioset/yamnet; weights under Apache-2.0). Its weights come as a checkpoint of TensorFlow; the graph is built
here. The front end is that of its authors: magnitudes of 25 ms every 10 ms, 64 mel bands from 125 to 7500 Hz, and their
logarithms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lipstream.models import assets
from lipstream.models.onnx_graph import OnnxGraph
from lipstream.models.shared import made_of, shared
from lipstream.models.sounds.checkpoint import read_checkpoint

Float32 = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
KINDS = 521
FRAMES = 96
"""Spectra in one look: 0.96 s."""
_HOP, _WINDOW, _FFT, _BANDS = 160, 400, 512, 64
_LOWEST, _HIGHEST = 125.0, 7500.0
_LOG_OFFSET = 0.001
_NORM_EPSILON = 1e-4
SAMPLES = _HOP * (FRAMES - 1) + _WINDOW
"""Samples of one look: 15600."""
_LAYERS = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5, (2, 1024), (1, 1024))
"""Stride and channels of each separable convolution."""
_NAME = "layer-1/layer/_func/_yamnet/layer_with_weights-{}/{}/.ATTRIBUTES/VARIABLE_VALUE"


class Yamnet:
    """The network. Runs may share it; thread-safe once it is loaded."""

    def __init__(self) -> None:
        self._session: Any = None
        self._mel = mel_matrix()
        self._hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)

    def load(self) -> None:
        """Load the network. Idempotent.

        Raises:
            AssetError: its files cannot be had.
            ModelError: they are something else.
        """
        if self._session is None:
            index, data = assets.resolve("yamnet.index"), assets.resolve("yamnet.data")
            made = ("yamnet", made_of(index), made_of(data))
            self._session = shared(made, lambda: _graph(_Weights(read_checkpoint(index, data))).open(threads=1))

    def scores(self, sound: Float32) -> Float32:
        """How likely each kind of sound is heard; they do not exclude each other.

        Args:
            sound: (15600,) float32 in [-1, 1], 16 kHz.

        Returns:
            (521,) float32 in [0, 1].
        """
        found: Float32 = self._session.run(None, {"patch": self.features(sound)[None]})[0][0]
        return found

    def features(self, sound: Float32) -> Float32:
        """(96, 64) log-mel spectra of (15600,) samples."""
        frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP] * self._hann
        magnitudes = np.abs(np.fft.rfft(frames, _FFT, axis=1))
        return np.log(magnitudes @ self._mel + _LOG_OFFSET).astype(np.float32)


def mel_matrix() -> npt.NDArray[np.float64]:
    """(257, 64): how much each bin of a spectrum counts for each band, as `tf.signal.linear_to_mel_weight_matrix`."""
    bins = _mel(np.linspace(0.0, SAMPLE_RATE / 2, _FFT // 2 + 1))
    edges = np.linspace(_mel(np.array(_LOWEST)), _mel(np.array(_HIGHEST)), _BANDS + 2)
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - lower) / (center - lower)
    falling = (upper - bins[:, None]) / (upper - center)
    matrix = np.maximum(0.0, np.minimum(rising, falling))
    # The constant part of the sound counts for nothing.
    matrix[0] = 0.0
    return matrix


def _mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = 1127.0 * np.log1p(hertz / 700.0)
    return found


class _Weights:
    """The tensors of the checkpoint in the order of the layers."""

    def __init__(self, tensors: dict[str, Float32]) -> None:
        self._tensors = tensors

    def of(self, layer: int, name: str) -> Float32:
        return self._tensors[_NAME.format(layer, name)]

    def norm(self, layer: int) -> tuple[Float32, Float32]:
        """Scale and offset, (C,) each, that a layer of batch normalisation comes to."""
        scale = 1.0 / np.sqrt(self.of(layer, "moving_variance") + _NORM_EPSILON)
        return scale, self.of(layer, "beta") - self.of(layer, "moving_mean") * scale


def _graph(weights: _Weights) -> OnnxGraph:
    graph = OnnxGraph()
    x = graph.apply("Reshape", graph.input("patch", (1, FRAMES, _BANDS)), graph.sizes(1, 1, FRAMES, _BANDS))
    # From height, width, in, out to out, in, height, width.
    x = _convolved(graph, x, weights.of(0, "kernel").transpose(3, 2, 0, 1), weights.norm(1), 2)
    layer = 2
    for stride, _ in _LAYERS:
        depthwise = weights.of(layer, "depthwise_kernel").transpose(2, 3, 0, 1)
        x = _convolved(graph, x, depthwise, weights.norm(layer + 1), stride, len(depthwise))
        pointwise = weights.of(layer + 2, "kernel").transpose(3, 2, 0, 1)
        x = _convolved(graph, x, pointwise, weights.norm(layer + 3), 1)
        layer += 4
    x = graph.apply("Flatten", graph.apply("GlobalAveragePool", x), axis=1)
    x = graph.linear(x, weights.of(layer, "kernel").T, weights.of(layer, "bias"))
    graph.output("scores", graph.apply("Sigmoid", x), (1, KINDS))
    return graph


def _convolved(
    graph: OnnxGraph, x: str, kernel: Float32, norm: tuple[Float32, Float32], stride: int, groups: int = 1
) -> str:
    """A convolution, the normalisation behind it taken into its weights, and what is above zero of it."""
    scale, offset = norm
    size = kernel.shape[2]
    x = graph.apply(
        "Conv",
        x,
        graph.constant((kernel * scale[:, None, None, None]).astype(np.float32)),
        graph.constant(offset.astype(np.float32)),
        strides=[stride, stride],
        kernel_shape=[size, size],
        group=groups,
        auto_pad="SAME_UPPER",
    )
    return graph.apply("Relu", x)
