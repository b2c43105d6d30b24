"""Where this process computes."""

import torch

from search_space.errors import UserError


def device_for(use_gpu: bool, asked: str = "cluster.use_gpu = true") -> torch.device:
    """The GPU if it is asked for, else the processor.

    Raises:
        UserError: there is no GPU.
    """
    if use_gpu and not torch.cuda.is_available():
        raise UserError(f"{asked}: torch finds no GPU on this machine; do without")
    return torch.device("cuda" if use_gpu else "cpu")
