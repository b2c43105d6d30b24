"""What workers exchange: one flat all-reduce of exactly the gradients being stepped; no wrapper module.

Without an initialised process group everything here is the identity, so one code path serves all.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, distributed, nn

from search_space.ghost_batch_norm import ShareNorm


def rank() -> int:
    """Number of this worker, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world_size() -> int:
    """Number of workers."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


@torch.no_grad()
def average(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its mean over the workers, in place, by one all-reduce."""
    if world_size() == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    distributed.all_reduce(flat)
    flat /= world_size()
    for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))


def average_running_statistics(network: nn.Module) -> None:
    """Make BatchNorm's running statistics the same on all workers, as if each had seen all batches.

    Only evaluation reads them. Workers whose copies differ could not resume from one checkpoint exactly.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    average(
        [buffer for norm in norms for buffer in (norm.running_mean, norm.running_var) if buffer is not None]
    )


def normalize_in_shares(network: nn.Module, shares: int) -> None:
    """Let BatchNorm see a batch as `shares` workers would see it, however many there are: see `ShareNorm`."""
    for module in network.modules():
        if isinstance(module, ShareNorm):
            module.shares = shares // world_size()
