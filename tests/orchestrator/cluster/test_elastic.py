"""How many elastic workers there are on which machines, and when they start anew; Ray is not started."""

import inspect
from types import SimpleNamespace

import pytest
import ray
from ray.train.v2._internal.execution.scaling_policy import NoopDecision, ResizeDecision
from ray.train.v2.api.config import ScalingConfig
from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

from orchestrator.cluster import train as ray_training
from orchestrator.cluster.elastic import WholeShares
from orchestrator.cluster.report_channel import ReportChannel
from orchestrator.config.experiment import ClusterConfig
from tests.orchestrator.tiny_jobs import tiny_job

PAIR = {"CPU": 2.0}


@pytest.fixture
def decide(monkeypatch: pytest.MonkeyPatch):
    """What is decided where machines are reserved of which some are alive, while so many workers run."""

    def decide(reserved, alive, *, running=0, reported=True, fewest=2):
        cluster = ClusterConfig(num_workers=8, min_workers=fewest)
        scaling = ScalingConfig(
            num_workers=(fewest, 8), resources_per_worker={"CPU": 1}, elastic_resize_monitor_interval_s=0
        )
        policy = WholeShares(scaling, cluster)
        nodes = [{"NodeID": name, "Alive": name in alive} for name in reserved]
        monkeypatch.setattr(ray, "nodes", lambda: nodes)
        monkeypatch.setattr(policy, "_get_reserved_resources", lambda: reserved)
        monkeypatch.setattr(policy, "_maybe_send_resource_request", lambda: None)
        if not running:
            return policy.make_decision_for_non_running_worker_group()
        group = SimpleNamespace(start_time=0.0, num_workers=running)
        worker = SimpleNamespace(training_report=object() if reported else None)
        status = SimpleNamespace(worker_statuses={0: worker})
        return policy.make_decision_for_running_worker_group(group, status)

    return decide


@pytest.mark.parametrize(
    ("machines", "workers"), [("abcd", 8), ("abc", 4), ("ab", 4), ("a", 2), ("abcdefgh", 8)]
)
def test_numbers_of_equally_many_shares_are_taken(decide, machines, workers):
    decision = decide(dict.fromkeys(machines, PAIR), machines)
    assert (type(decision), decision.num_workers) == (ResizeDecision, workers)


def test_machines_that_have_died_do_not_count(decide):
    assert decide(dict.fromkeys("abcd", PAIR), "ab").num_workers == 4


def test_fewer_than_the_fewest_wait(decide):
    assert decide(dict.fromkeys("ab", PAIR), "ab", fewest=8) == NoopDecision()
    assert decide({}, "") == NoopDecision()


def test_running_workers_start_anew_at_a_report(decide):
    everything = dict.fromkeys("abcd", PAIR), "abcd"
    assert decide(*everything, running=4).num_workers == 8
    assert decide(*everything, running=4, reported=False) == NoopDecision()


def test_running_workers_stay_where_more_machines_make_no_more_of_them(decide):
    assert decide(dict.fromkeys("abc", PAIR), "abc", running=4) == NoopDecision()


def test_an_elastic_trainer_decides_so(tmp_path, monkeypatch):
    """By replacing the policy where `fit` hands it over; `fit` itself would start Ray."""
    monkeypatch.setattr(DataParallelTrainer, "_initialize_and_run_controller", lambda _, **given: given)
    job = tiny_job(tmp_path, cluster__num_workers=2, cluster__min_workers=1)
    job.folder.mkdir(parents=True)
    trainer = ray_training._trainer(job, ReportChannel(None))
    given = trainer._initialize_and_run_controller(scaling_policy="Ray's", failure_policy="Ray's")
    assert given["failure_policy"] == "Ray's"
    policy = given["scaling_policy"]
    assert isinstance(policy, WholeShares)
    assert policy.scaling_config.num_workers == (1, 2)
    assert "._initialize_and_run_controller(" in inspect.getsource(DataParallelTrainer.fit)
