"""A GPU that is not there: its tensors compute on the processor, and refuse what a GPU refuses or waits for.

Device type `meta` stands for it, the only one besides `cpu` that needs no driver. Values are real, so that
results can be compared with the processor's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils import _foreach_utils
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing

GPU = torch.device("meta")
CPU = torch.device("cpu")
aten = torch.ops.aten

SHAPED_BY_VALUES = {"nonzero", "masked_select", "unique_dim", "_unique2", "unique_consecutive", "bincount"}
"""Operations whose results have shapes that the host has to wait for."""
READ_BY_THE_HOST = {"_local_scalar_dense", "equal", "is_nonzero"}


class DeviceMismatch(AssertionError):
    """One operation was given tensors of the GPU and of the processor."""


class HostWaits(AssertionError):
    """Something within a step copies between the devices, or makes the host wait for the GPU."""


class OnGpu(Tensor):
    """A tensor of the GPU; `held` has its values."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "OnGpu":
        """Take a tensor of the processor for one of the GPU."""
        made = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            layout=held.layout, device=GPU, requires_grad=held.requires_grad,
        )  # fmt: skip
        made.held = held
        return made  # type: ignore[no-any-return]

    def tolist(self) -> Any:
        """As of a GPU's tensor, which subclasses do not have by themselves."""
        return self.cpu().tolist()

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Files hold the values; whoever loads them says on which device."""
        return self.held.__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Outside of `PretendedGpu` too, as in the backward pass's own thread."""
        return _computed(func, args, kwargs or {}, within_a_step=PretendedGpu.within_a_step)


class PretendedGpu(TorchDispatchMode):
    """Within it, `meta` is a GPU."""

    within_a_step = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every operation comes by here."""
        return _computed(func, args, kwargs or {}, within_a_step=self.within_a_step)

    @contextmanager
    def step(self) -> Iterator[None]:
        """Within it, nothing may be copied between the devices, and the host must not wait."""
        before, PretendedGpu.within_a_step = PretendedGpu.within_a_step, True
        try:
            yield
        finally:
            PretendedGpu.within_a_step = before


@contextmanager
def pretended_gpu() -> Iterator[PretendedGpu]:
    """The GPU, and what PyTorch has to be told of it."""
    from torch.distributed import distributed_c10d
    from torch.optim import optimizer

    generator, autocast, is_autocast_enabled = torch.Generator, torch.autocast, torch.is_autocast_enabled
    tensor = torch.tensor
    with pytest.MonkeyPatch.context() as patch, PretendedGpu() as gpu:
        # The stream of numbers is the processor's: a generator of a GPU needs one.
        patch.setattr(torch, "Generator", lambda device="cpu": generator())  # noqa: ARG005
        # With device `meta` it makes tensors without values, unseen.
        patch.setattr(
            torch, "tensor", lambda data, device=None, **options: tensor(data, **options).to(device)
        )
        patch.setattr(torch, "autocast", lambda _, **options: autocast("cpu", **options))
        patch.setattr(torch, "is_autocast_enabled", lambda _: is_autocast_enabled("cpu"))
        patch.setattr(optimizer, "_get_fused_kernels_supported_devices", lambda: ["cpu", "meta"])
        patch.setattr(_foreach_utils, "_get_foreach_kernels_supported_devices", lambda: ["cpu", "meta"])
        patch.setattr(distributed_c10d, "_get_object_coll_device", lambda _=None: "meta")
        yield gpu


def _computed(func: Any, args: Any, kwargs: Any, *, within_a_step: bool) -> Any:
    if func.namespace == "c10d":
        return _exchanged(func, args, kwargs)
    name = func._schema.name.removeprefix("aten::")
    given = list(_tensors((args, kwargs)))
    asked = kwargs.get("device")
    on_gpu = [isinstance(tensor, OnGpu) for tensor in given]
    if any(on_gpu):
        _require_one_device(name, given, within_a_step)
    to_gpu = any(on_gpu) if asked is None else torch.device(asked) == GPU
    if within_a_step:
        _require_no_waiting(name, any(on_gpu), to_gpu, given, kwargs)
    result = func(*_mapped(_held, args), **_mapped(_held, kwargs))
    if not to_gpu:
        return result
    return return_and_correct_aliasing(func, args, kwargs, _mapped(_on_gpu, result))


def _require_one_device(name: str, given: list[Tensor], within_a_step: bool) -> None:
    if name == "copy_" or (name in {"index", "index_put_", "index_put"} and not within_a_step):
        return  # indices may be the processor's: they are copied
    if foreign := [t for t in given if not isinstance(t, OnGpu) and (t.dim() or t.device == GPU)]:
        shapes = [tuple(tensor.shape) for tensor in foreign]
        raise DeviceMismatch(f"{name}: tensors of the GPU with {shapes} of {foreign[0].device}")


def _require_no_waiting(name: str, from_gpu: bool, to_gpu: bool, given: list[Tensor], kwargs: Any) -> None:
    # A copy to the GPU that may go on by itself is no reason to wait.
    copied = name == "_to_copy" and from_gpu != to_gpu and (from_gpu or not kwargs.get("non_blocking"))
    mixed = name == "copy_" and len({isinstance(tensor, OnGpu) for tensor in given}) > 1
    by_mask = name in {"index", "index_put_"} and any(t.dtype == torch.bool for t in given[1:])
    if copied or mixed or (from_gpu and (name in SHAPED_BY_VALUES | READ_BY_THE_HOST or by_mask)):
        raise HostWaits(f"{name} of {[tuple(tensor.shape) for tensor in given]}")


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)


def _mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """The same lists, tuples and dictionaries of other leaves, quicker than PyTorch's `tree_map`."""
    if isinstance(value, list | tuple):
        return type(value)([_mapped(change, part) for part in value])
    if isinstance(value, dict):
        return {name: _mapped(change, part) for name, part in value.items()}
    return change(value)


def _on_gpu(value: Any) -> Any:
    return OnGpu(value) if isinstance(value, Tensor) else value


def _held(value: Any) -> Any:
    if isinstance(value, OnGpu):
        return value.held
    return CPU if isinstance(value, torch.device) and value == GPU else value


def _exchanged(func: Any, args: Any, kwargs: Any) -> Any:
    """As a group without a backend for the processor: `cuda:gloo`, or NCCL."""
    given = list(_tensors((args, kwargs)))
    if not func._schema.name.endswith("barrier") and not all(isinstance(t, OnGpu) for t in given):
        raise DeviceMismatch(f"{func._schema.name}: the process group takes tensors of the GPU only")
    return func(*_mapped(_held, args), **_mapped(_held, kwargs))


def values(tensor: Tensor) -> Tensor:
    """What a tensor holds, wherever it is."""
    return tensor.held if isinstance(tensor, OnGpu) else tensor
