"""The schedule of a loss that changes during training. It is part of the training's state."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainers.losses.loss import GanLoss
from trainers.metrics.specs import lower_is_better


class LossSchedule(nn.Module):
    """Counts evaluations in a row without a better score, by the first score of each."""

    best: Tensor
    stale: Tensor
    changes: Tensor

    def __init__(self) -> None:
        super().__init__()
        # float64: a score is compared with itself after a resume.
        self.register_buffer("best", torch.tensor(torch.inf, dtype=torch.float64))
        self.register_buffer("stale", torch.tensor(0))
        self.register_buffer("changes", torch.tensor(0))

    def current(self, loss: GanLoss) -> GanLoss:
        """The loss as it is now."""
        return loss if loss.changes_after is None else loss.changed(int(self.changes))

    def watch(self, loss: GanLoss, scores: Mapping[str, float]) -> None:
        """Take note of an evaluation; without scores there was none."""
        if loss.changes_after is None or not scores:
            return
        name, score = next(iter(scores.items()))
        score = score if lower_is_better(name) else -score
        if score < float(self.best):
            self.best.fill_(score)
            self.stale.zero_()
        else:
            self.stale += 1
        if int(self.stale) == loss.changes_after:
            self.changes += 1
            self.stale.zero_()
