"""Batches of real images by step number: nothing to save in a checkpoint, nothing to wind forward.

Shapes: b images of this worker, c channels, h = w pixels.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from trainers.datasets.images import DataError, Images
from trainers.noise import seed_for

DEVICE_SHARE = 0.25
"""The largest share of a GPU's free memory that images may take."""


class Batches:
    """One worker's share of the batch of every step.

    Each epoch is a new permutation from (seed, epoch) without its incomplete last batch. A step's batch is
    the same for any number of workers: they hold consecutive parts of it.
    """

    def __init__(
        self,
        images: Images,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        device: torch.device | str = "cpu",
        halves: bool = False,
    ) -> None:
        """`batch_size` counts the images of all workers, and both halves where a batch is cut in `halves`.

        Raises:
            DataError: a batch larger than the set, or one that does not divide evenly.
        """
        parts = world_size * (2 if halves else 1)
        if batch_size > len(images):
            raise DataError(
                f"batch_size {batch_size} exceeds the {len(images)} images there are; use smaller ones"
            )
        if batch_size % parts:
            raise DataError(
                f"batch_size {batch_size} does not divide by {parts} ({world_size} workers"
                f"{' x 2 halves' if halves else ''}); {batch_size - batch_size % parts + parts} does"
            )
        self.batch_size = batch_size
        self.steps_per_epoch = len(images) // batch_size
        self._count = len(images)
        self._seed = seed
        self._rank = rank
        self._world_size = world_size
        self._device = torch.device(device)
        self._pixels = _placed(images.pixels, self._device)
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def at(self, step: int) -> Float[Tensor, "b c h w"]:
        """This worker's images of a step, in [-1, 1]."""
        return self._share(self._indices(step))

    def halves_at(self, step: int) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
        """This worker's share of the weights half and of the architecture half of a step's batch."""
        weights, architecture = self._indices(step).chunk(2)
        return self._share(weights), self._share(architecture)

    def _indices(self, step: int) -> Int64[Tensor, " batch"]:
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            order = permutation(self._seed, epoch, self._count)
            self._order = order.to(self._pixels.device, non_blocking=True)
            self._epoch = epoch
        return self._order[position * self.batch_size :][: self.batch_size]

    def _share(self, indices: Int64[Tensor, " part"]) -> Float[Tensor, "b c h w"]:
        mine = indices.chunk(self._world_size)[self._rank]
        pixels = self._pixels.index_select(0, mine).to(self._device, non_blocking=True)
        return pixels.float().div_(127.5).sub_(1)


@dataclass(frozen=True)
class StepBatch:
    """The batch of one step, read when it is asked for."""

    batches: Batches
    step: int

    def whole(self) -> Float[Tensor, "b c h w"]:
        """All of this worker's images."""
        return self.batches.at(self.step)

    def halves(self) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
        """The worker's share of the weights half and of the architecture half."""
        return self.batches.halves_at(self.step)


def permutation(seed: int, epoch: int, count: int) -> Int64[Tensor, " count"]:
    """The order of the images in an epoch."""
    return torch.from_numpy(np.random.default_rng(seed_for(seed, "real images", epoch)).permutation(count))


def _placed(pixels: UInt8[Tensor, "n c h w"], device: torch.device) -> UInt8[Tensor, "n c h w"]:
    """The pixels, on the device if they fit, so that a batch costs no copy; else where they are."""
    if device.type == "cuda" and pixels.nbytes > DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]:
        return pixels
    return pixels.to(device)
