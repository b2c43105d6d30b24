"""Concurrent trials: floor(places / workers), or a refusal with the arithmetic."""

import pytest

from orchestrator.cluster.session import ClusterError, concurrent_trials, trial_resources
from orchestrator.config.experiment import ClusterConfig

TWO = [{"CPU": 2.0}]


@pytest.mark.parametrize(
    ("cluster", "nodes", "trials"),
    [
        ({"num_workers": 0}, TWO, 2),
        ({"num_workers": 0, "cpus_per_worker": 2}, TWO, 1),
        ({"num_workers": 2}, TWO, 1),
        ({"num_workers": 1}, TWO, 2),
        ({"num_workers": 3, "cpus_per_worker": 2}, [{"CPU": 8.0}] * 20, 26),
        # elastic ones count with the most; where not even one has them, one at a time makes do with fewer
        ({"num_workers": 2, "min_workers": 1}, [{"CPU": 2.0}] * 3, 3),
        ({"num_workers": 4, "min_workers": 1}, TWO, 1),
        # a worker is not split: 3 CPUs of 2 machines hold one worker of 2 CPUs each
        ({"num_workers": 1, "cpus_per_worker": 2}, [{"CPU": 3.0}, {"CPU": 3.0}], 2),
        ({"num_workers": 0, "use_gpu": True, "gpus_per_worker": 0.25}, [{"CPU": 16.0, "GPU": 1.0}], 4),
        ({"num_workers": 0, "use_gpu": True, "gpus_per_worker": 0.1}, [{"CPU": 4.0, "GPU": 1.0}], 4),
    ],
)
def test_as_many_trials_as_have_all_of_their_workers(cluster, nodes, trials):
    assert concurrent_trials(ClusterConfig(**cluster), None, nodes) == trials


def test_fewer_if_so_configured():
    nodes = [{"CPU": 8.0}]
    assert concurrent_trials(ClusterConfig(), 3, nodes) == 3
    assert concurrent_trials(ClusterConfig(), 30, nodes) == 8


def test_what_cannot_fit_is_refused_with_the_arithmetic():
    with pytest.raises(ClusterError, match=r"2 CPU hold 2 workers of 1 CPU.*floor\(2 / 3\) = 0"):
        concurrent_trials(ClusterConfig(num_workers=3), None, TWO)


def test_not_even_the_fewest_of_an_elastic_trial_is_refused():
    with pytest.raises(ClusterError, match=r"a trial has at least 4 of 8, so there is no room for one"):
        concurrent_trials(ClusterConfig(num_workers=8, min_workers=4), None, TWO)


def test_a_trial_that_drives_workers_occupies_no_cpu():
    assert "CPU" not in trial_resources(ClusterConfig(num_workers=2))
    assert trial_resources(ClusterConfig(num_workers=0, cpus_per_worker=1.5)) == {"CPU": 1.5}
