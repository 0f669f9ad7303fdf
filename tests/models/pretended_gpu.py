"""A GPU where there is none: its tensors lie in memory like all others, but may not be mixed with those."""

from __future__ import annotations

import contextlib

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

CPU, GPU = torch.device("cpu"), torch.device("cuda")


class MixedDevices(AssertionError):
    """What torch would refuse on a machine with a GPU."""


class OnGpu(Tensor):
    """A tensor on the pretended GPU."""


_ANY_DEVICES = {Tensor.to, Tensor.copy_, torch._has_compatible_shallow_copy_type}
_LOOKED_AT = {Tensor.__getitem__: 1, torch.nn.functional.ctc_loss: 2}
"""As many arguments must be on the GPU for all to be there; the others are indices and lengths."""


class _Pretence(TorchFunctionMode):
    """Carries everything out on the processor, and marks what would be on the GPU."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch._C._nn._parse_to:  # reads the arguments of `Module.to`
            return func(*args, **kwargs)
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        on_gpu = any(isinstance(each, OnGpu) for each in given)
        if func == Tensor.device.__get__:
            return GPU if on_gpu else CPU
        if func == Tensor.numpy and on_gpu:
            raise MixedDevices("numpy() of a tensor on the GPU")
        if func not in _ANY_DEVICES:
            first = given[: _LOOKED_AT.get(func)]
            _check(func, first if all(isinstance(each, OnGpu) for each in first) else given)
        on_gpu = _goes_to_gpu(func, args, kwargs, on_gpu)
        with torch._C.DisableTorchFunctionSubclass():
            found = func(*map(_on_processor, args), **{name: _on_processor(each) for name, each in kwargs.items()})
        return tree_map(lambda each: _marked(each, on_gpu) if isinstance(each, Tensor) else each, found)


def _check(func, given):
    """Raise unless all are on one device; a single number may be on the other."""
    if len({isinstance(each, OnGpu) for each in given if each.ndim}) > 1:
        raise MixedDevices(f"{func.__name__} of tensors on the GPU and on the processor")


def _goes_to_gpu(func, args, kwargs, on_gpu):
    """Whether the result is on the GPU: where it is asked for, else where the arguments are."""
    if func == Tensor.cpu:
        return False
    if func == Tensor.copy_:
        return isinstance(args[0], OnGpu)
    if func == Tensor.to and len(args) > 1 and isinstance(args[1], Tensor):
        return isinstance(args[1], OnGpu)
    asked = [each for each in (*args, *kwargs.values()) if isinstance(each, torch.device)]
    return asked[0] == GPU if asked else on_gpu


def _on_processor(argument):
    return CPU if isinstance(argument, torch.device) else argument


def _marked(tensor, on_gpu):
    return tensor if isinstance(tensor, OnGpu) == on_gpu else tensor.as_subclass(OnGpu if on_gpu else Tensor)


@contextlib.contextmanager
def pretended_gpu():
    """Have `GPU` work as the device of tensors and networks."""
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # or parameters would lose their mark
    try:
        with _Pretence():
            yield
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(False)
