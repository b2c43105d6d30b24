"""The Inception score is the published one, sample by sample."""

import math

import numpy as np
import pytest
import torch

from trainers.metrics.errors import ScoreError
from trainers.metrics.inception_score import InceptionScore, split_of_each


def published(logits: torch.Tensor, splits: int) -> tuple[float, float]:
    """The released code's loop over consecutive splits, on samples in torch-fidelity's shuffled order."""
    predictions = logits[np.random.RandomState(2020).permutation(len(logits))].double().softmax(1).numpy()
    scores = []
    for i in range(splits):
        part = predictions[i * len(predictions) // splits : (i + 1) * len(predictions) // splits]
        kl = part * (np.log(part) - np.log(np.mean(part, 0, keepdims=True)))
        scores.append(np.exp(np.mean(np.sum(kl, 1))))
    return float(np.mean(scores)), float(np.std(scores))


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(57, 5, generator=torch.Generator().manual_seed(0)) * 3


@pytest.mark.parametrize("batch", [1, 8, 57])
def test_any_batch_size_and_order_gives_the_published_score(logits: torch.Tensor, batch: int) -> None:
    metric = InceptionScore(57, classes=5)
    for index in torch.randperm(57, generator=torch.Generator().manual_seed(1)).split(batch):
        metric.update(logits[index], index)
    mean, deviation = metric.compute()
    expected = published(logits, splits=10)
    assert (mean.item(), deviation.item()) == pytest.approx(expected, rel=1e-12)


def test_merged_workers_give_what_one_gives(logits: torch.Tensor) -> None:
    workers = [InceptionScore(57, classes=5) for _ in range(2)]
    for metric, index in zip(workers, torch.arange(57).split(29), strict=True):
        metric.update(logits[index], index)
    workers[0].merge_state(workers[1])
    assert workers[0].compute()[0].item() == pytest.approx(published(logits, 10)[0], rel=1e-12)


def test_images_of_no_class_score_one() -> None:
    metric = InceptionScore(20, classes=5)
    metric.update(torch.zeros(20, 5), torch.arange(20))
    assert metric.compute()[0].item() == pytest.approx(1)


def test_certain_images_of_all_classes_score_the_number_of_classes() -> None:
    metric = InceptionScore(40, classes=4)
    split = split_of_each(40)
    logits = torch.zeros(40, 4)
    for number in range(10):
        logits[split == number] = torch.eye(4) * 1000
    metric.update(logits, torch.arange(40))
    mean, deviation = metric.compute()
    assert mean.item() == pytest.approx(4)
    assert deviation.item() == pytest.approx(0, abs=1e-12)


def test_splits_hold_a_tenth_each_and_mix_the_order() -> None:
    split = split_of_each(1000)
    assert torch.bincount(split).tolist() == [100] * 10
    assert len(split[:100].unique()) == 10


def test_missing_or_repeated_samples_are_refused(logits: torch.Tensor) -> None:
    metric = InceptionScore(57, classes=5)
    metric.update(logits[:40], torch.arange(40))
    with pytest.raises(ScoreError, match="expected 57 samples once each, got 40"):
        metric.compute()
    metric.update(logits[:17], torch.arange(17))
    with pytest.raises(ScoreError, match="expected 57"):
        metric.compute()


def test_fewer_samples_than_splits_are_refused() -> None:
    with pytest.raises(ScoreError, match="at least 10 samples, got 9"):
        InceptionScore(9, classes=5)


def test_logits_that_are_not_numbers_are_refused(logits: torch.Tensor) -> None:
    logits[0, 0] = math.nan
    with pytest.raises(ScoreError, match="1 of 57"):
        InceptionScore(57, classes=5).update(logits, torch.arange(57))
