"""Communication between workers: one flat all-reduce of exactly the gradients that are stepped, without a
wrapper module.

Without an initialised process group everything here is the identity, so one code path serves all.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed, nn

from search_space.errors import UserError
from search_space.networks.generator import GhostBatchNorm2d


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


class _Gather(torch.autograd.Function):
    """All workers compute one loss of what all of them have gathered, so each knows the gradient of its own
    part. Gradients of parameters are averaged over the workers later, where these have to be summed.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        parts = [torch.empty_like(own) for _ in range(world_size())]
        distributed.all_gather(parts, own.contiguous())
        ctx.rows = slice(rank() * len(own), (rank() + 1) * len(own))
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient[ctx.rows] * world_size()


def gathered(own: Tensor) -> Tensor:
    """Rows of all workers, in the order of their ranks, for a loss that is a statistic of all of them.

    Each worker must give as many rows and compute the same loss, and average its gradients afterwards.
    """
    return own if world_size() == 1 else cast(Tensor, _Gather.apply(own))


def average_running_statistics(network: nn.Module) -> None:
    """Make BatchNorm's running statistics the same on all workers, as if each had seen all batches.

    Only evaluation reads them. Workers whose copies differ could not resume from one checkpoint exactly.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    average(
        [buffer for norm in norms for buffer in (norm.running_mean, norm.running_var) if buffer is not None]
    )


def use_ghost_batches(network: nn.Module, shares: int) -> None:
    """Let BatchNorm see a batch as `shares` workers would, however many there are: see `GhostBatchNorm2d`."""
    for module in network.modules():
        if isinstance(module, GhostBatchNorm2d):
            module.shares = shares // world_size()


T = TypeVar("T")


def share_of(samples: int) -> range:
    """Global indices of the samples this rank scores; over all ranks every index appears once.

    Raises:
        UserError: there are fewer samples than ranks.
    """
    if samples < world_size():
        raise UserError(f"{samples} images cannot be scored by {world_size()} workers: each needs one")
    return range(rank() * samples // world_size(), (rank() + 1) * samples // world_size())


def from_rank_zero(make: Callable[[], T]) -> T:
    """What `make` returns or raises on rank 0, on every rank: all go on with the same value, or none
    does."""
    if world_size() == 1:
        return make()
    box: list[T | UserError | None] = [None]
    if rank() == 0:
        try:
            box[0] = make()
        except UserError as error:
            box[0] = error
    distributed.broadcast_object_list(box, src=0)
    if isinstance(box[0], UserError):
        raise box[0]
    return box[0]  # type: ignore[return-value]
