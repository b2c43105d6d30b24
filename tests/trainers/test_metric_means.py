import pytest
import torch

from trainers.report import MetricMeans


def scalars(**values: float) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in values.items()}


def test_means_are_over_the_steps_since_the_last_collection():
    means = MetricMeans()
    for value in (1.0, 2.0, 6.0):
        means.add(scalars(loss=value))
    assert means.collect() == {"loss": 3.0}
    means.add(scalars(loss=8.0))
    assert means.collect() == {"loss": 8.0}


def test_metric_that_some_steps_lack_is_averaged_over_those_that_have_it():
    means = MetricMeans()
    means.add(scalars(d=1.0, g=10.0))
    means.add(scalars(d=3.0))
    assert means.collect() == {"d": 2.0, "g": 10.0}


def test_nothing_collected_is_nothing():
    assert MetricMeans().collect() == {}


def test_a_value_added_may_change_afterwards():
    means, value = MetricMeans(), torch.tensor(1.0)
    means.add({"loss": value})
    means.add({"loss": torch.tensor(3.0)})
    assert means.collect() == {"loss": 2.0}
    assert value == 1


def test_means_are_averaged_over_the_workers(monkeypatch):
    """One call for all metrics: each collection is one message."""
    calls = []

    def average(tensors):
        calls.append(len(tensors))
        for tensor in tensors:
            tensor.add_(1)

    monkeypatch.setattr("trainers.report.average", average)
    means = MetricMeans()
    means.add(scalars(d=1.0, g=10.0))
    assert means.collect() == {"d": pytest.approx(2.0), "g": pytest.approx(11.0)}
    assert calls == [1]
