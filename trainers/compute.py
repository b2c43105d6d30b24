"""Device, precision and compilation: how numbers are computed, not which."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
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


def set_precision(config: ComputeConfig) -> None:
    """Process-wide matrix multiplication precision; tf32 rounds inputs of float32 products to 10 bits."""
    torch.set_float32_matmul_precision("high" if config.precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = config.precision == "tf32"


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
