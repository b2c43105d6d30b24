"""How numbers are computed: device, precision, compilation; never what is computed."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.utils.deterministic
from torch import nn

from search_space.errors import UserError
from search_space.networks.cell import use_backend
from trainers.options import ComputeConfig


def prepare(network: nn.Module, config: ComputeConfig) -> None:
    """Apply backend, memory format and compilation to a network, in place."""
    use_backend(network, "op_by_op" if config.compile else config.backend)
    if config.channels_last:
        network.register_forward_pre_hook(_channels_innermost)
    if config.compile:
        network.compile()


def _channels_innermost(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    images, *others = inputs
    if images.dim() != 4:  # a generator's latents
        return inputs
    return (images.contiguous(memory_format=torch.channels_last), *others)


def set_arithmetic(config: ComputeConfig, device: torch.device) -> None:
    """Process-wide: tf32 rounds inputs of float32 products to 10 bits; deterministic or fast algorithms."""
    _allow_tf32(config.precision_on(gpu=device.type != "cpu") == "tf32")
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS sums in any order
    # A warning where there is no such algorithm: max_pool2d counts as one, whose squares never overlap here.
    torch.use_deterministic_algorithms(config.deterministic, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _allow_tf32(allowed: bool) -> None:
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed


@contextmanager
def all_digits() -> Iterator[None]:
    """Within it products of float32 are exact: scores compare, whatever networks were trained with."""
    products, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    _allow_tf32(False)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        torch.backends.cudnn.allow_tf32 = convolutions


def autocast(config: ComputeConfig, device: torch.device) -> AbstractContextManager[object]:
    """The context of every forward pass of training."""
    if config.precision == "bfloat16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def device_for(use_gpu: bool, asked: str = "cluster.use_gpu = true") -> torch.device:
    """The GPU if it is asked for, else the processor.

    Raises:
        UserError: there is no GPU.
    """
    if use_gpu and not torch.cuda.is_available():
        raise UserError(f"{asked}: torch finds no GPU on this machine; do without")
    return torch.device("cuda" if use_gpu else "cpu")
