"""Reader of ONNX Runtime's own format (`.ort`): the classes of its schema, which come with onnxruntime.

They are taken from their folder and not from `onnxruntime.tools`, whose import imports torch where that is installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import onnxruntime

_FOLDER = str(Path(onnxruntime.__file__).parent / "tools" / "ort_format_model")
if _FOLDER not in sys.path:
    # They import each other by this path.
    sys.path.append(_FOLDER)

from ort_flatbuffers_py.fbs.InferenceSession import InferenceSession  # noqa: E402
from ort_flatbuffers_py.fbs.TensorDataType import TensorDataType  # noqa: E402

__all__ = ["InferenceSession", "TensorDataType"]
