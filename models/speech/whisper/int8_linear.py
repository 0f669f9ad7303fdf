"""Linear layers in eight bits: a quarter of the memory, and several times as fast on the processor.

Weights are kept as int8 with a scale for each output, activations are brought to eight bits with one scale a call
(dynamic quantisation, by the kernels of torch). So what goes through a layer together is rounded a little differently
than one by one. Where torch has no such kernels the layer computes in float32.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional


class Int8Linear:
    """`x @ weight.T + bias`.

    Args:
        weight: (out, in) float32.
        bias: (out,) float32; None for none.
    """

    def __init__(self, weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32] | None = None) -> None:
        matrix = torch.from_numpy(np.ascontiguousarray(weight))
        offset = torch.zeros(len(weight)) if bias is None else torch.from_numpy(np.ascontiguousarray(bias))
        self._packed = _packed(matrix, offset)
        self._plain = (matrix, offset) if self._packed is None else None

    def __call__(self, values: Tensor) -> Tensor:
        """(..., in) float32 -> (..., out) float32."""
        if self._packed is None:
            assert self._plain is not None
            return functional.linear(values, *self._plain)
        result: Tensor = torch.ops.quantized.linear_dynamic(values, self._packed, _REDUCED)
        return result


def _has_vnni() -> bool:
    supported = getattr(torch.cpu, "_is_vnni_supported", None)
    return bool(supported()) if supported is not None else False


# Without VNNI instructions products of two eight-bit numbers are added in sixteen bits, which can overflow: there
# activations get seven bits.
_REDUCED = not _has_vnni()


def _packed(weight: Tensor, bias: Tensor) -> Any:  # noqa: ANN401 - an object of torch's own, without a type
    if torch.backends.quantized.engine == "none":
        return None
    scales = (weight.abs().amax(1) / 127).clamp_min(1e-8).double()
    zeros = torch.zeros(len(weight), dtype=torch.long)
    with warnings.catch_warnings():
        # torch means to move its quantised types to another package; the versions that are allowed have them.
        warnings.simplefilter("ignore")
        rows = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        return torch.ops.quantized.linear_prepack(rows, bias)
