"""Where networks are trained."""

from __future__ import annotations

import pytest
import torch

from lipstream.models.errors import ModelError
from lipstream.models.training import device


def refusing(*_, **__):
    raise RuntimeError("CUDA error: no kernel image is available for execution on the device")


def test_a_gpu_that_torch_has_no_programs_for_is_not_used(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", refusing)
    assert device.training_device(None) == device.CPU
    with pytest.raises(ModelError, match="no GPU that it can use"):
        device.training_device("cuda")


def test_a_gpu_is_used_if_it_works_unless_the_processor_is_asked_for(monkeypatch):
    monkeypatch.setattr(device, "gpu_works", lambda: True)
    assert [device.training_device(asked).type for asked in (None, "cuda", "cpu")] == ["cuda", "cuda", "cpu"]
