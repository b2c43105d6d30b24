"""BatchNorm over shares of a batch, so that its statistics do not depend on who computes which share.

Shapes: N batch, C channels, H height, W width.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class GhostBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm that normalises `shares` equal, consecutive parts of a batch, each by its own statistics.

    A worker that does the shares of several computes, up to rounding, what each of them would have computed
    and what `trainers.distributed.average_running_statistics` would have made of it.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float
    shares: int = 1

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Normalised maps; in evaluation mode by the running statistics, as ever."""
        if self.shares == 1 or not self.training:
            return super().forward(x)
        # Each share moves a copy: one after another, they would forget the first more than the last.
        means = [self.running_mean.clone() for _ in range(self.shares)]
        variances = [self.running_var.clone() for _ in range(self.shares)]
        normalized = [
            F.batch_norm(share, mean, variance, self.weight, self.bias, True, self.momentum, self.eps)
            for share, mean, variance in zip(x.chunk(self.shares), means, variances, strict=True)
        ]
        self.running_mean.copy_(torch.stack(means).mean(0))
        self.running_var.copy_(torch.stack(variances).mean(0))
        self.num_batches_tracked.add_(1)
        return torch.cat(normalized)
