"""Who computes what: samples are cut in contiguous shares by rank, decisions are rank 0's."""

from collections.abc import Callable
from typing import TypeVar

from torch import distributed

from search_space.errors import UserError
from trainers.distributed import rank, world_size
from trainers.metrics.errors import ScoreError

T = TypeVar("T")


def share_of(samples: int) -> range:
    """Global indices of the samples this rank scores; over all ranks every index appears once.

    Raises:
        ScoreError: there are fewer samples than ranks.
    """
    if samples < world_size():
        raise ScoreError(f"{samples} images cannot be scored by {world_size()} workers: each needs one")
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
