"""What is measured besides time: memory saved for the backward pass, kernels, floating point operations."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


class Kernels(TorchDispatchMode):
    """Counts calls of ATen operations, forward and backward, that are neither views nor bare allocations."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        returns = function._schema.returns
        view = any(value.alias_info is not None and not value.alias_info.is_write for value in returns)
        allocation = "empty" in function._schema.name
        self.count += not (view or allocation)
        return function(*args, **(kwargs or {}))


class SavedMemory:
    """Bytes that autograd keeps for backward passes: each storage once, parameters not at all."""

    def __init__(self, modules: list[nn.Module]) -> None:
        self._own = {p.untyped_storage().data_ptr() for module in modules for p in module.parameters()}
        self._holders: dict[int, int] = {}
        self._bytes = self.peak = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count what is saved within."""
        with torch.autograd.graph.saved_tensors_hooks(self._pack, lambda held: held.tensor):
            yield

    def _pack(self, tensor: Tensor) -> "_Held":
        return _Held(self, tensor)

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage.data_ptr()
        if key in self._own:
            return
        self._holders[key] = self._holders.get(key, 0) + 1
        if self._holders[key] == 1:
            self._bytes += storage.nbytes()
            self.peak = max(self.peak, self._bytes)

    def remove(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage.data_ptr()
        if key in self._own:
            return
        self._holders[key] -= 1
        if not self._holders[key]:
            self._bytes -= storage.nbytes()


class _Held:
    """A saved tensor; it leaves the count when autograd lets go of it."""

    def __init__(self, memory: SavedMemory, tensor: Tensor) -> None:
        self.tensor = tensor.detach()
        self._memory = memory
        memory.add(tensor)

    def __del__(self) -> None:
        self._memory.remove(self.tensor)


def cpu_seconds(function: Callable[[], object]) -> float:
    """CPU time of this process, which other processes on the machine disturb far less than the clock."""
    start = time.process_time()
    function()
    return time.process_time() - start
