"""Features are kept in the order of their numbers."""

import pytest
import torch

from trainers.metrics.errors import ScoreError
from trainers.metrics.moments import KeptFeatures


def test_batches_and_workers_in_any_order_give_all_features_in_theirs() -> None:
    features = torch.arange(20.0).reshape(10, 2)
    workers = [KeptFeatures(10), KeptFeatures(10)]
    for number, index in enumerate(torch.randperm(10, generator=torch.Generator().manual_seed(0)).split(3)):
        workers[number % 2].update(features[index], index)
    workers[1].merge_state(workers[0])
    assert torch.equal(workers[1].compute(), features)


def test_a_sample_seen_twice_is_refused() -> None:
    kept = KeptFeatures(2)
    kept.update(torch.zeros(2, 3), torch.tensor([0, 0]))
    with pytest.raises(ScoreError, match="expected 2 samples once each"):
        kept.compute()
