"""Machines that come while a command waits, and what the autoscaler is asked for; Ray is not started."""

from collections.abc import Callable

import pytest
import ray
import ray.autoscaler.sdk

from orchestrator.cluster import machines
from orchestrator.cluster.machines import Room, asking_for, require_room_on_cluster
from orchestrator.cluster.session import ClusterError
from orchestrator.config.experiment import ClusterConfig

MACHINE = {"CPU": 2.0}


class FakeCluster:
    """Has other machines at each look; keeps what its autoscaler was asked for."""

    def __init__(self, *looks: int) -> None:
        self._looks = list(looks)
        self.asked: list[list[dict[str, float]]] = []

    def nodes(self) -> list[dict[str, object]]:
        count = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        return [{"Alive": True, "Resources": MACHINE}] * count + [{"Alive": False, "Resources": MACHINE}]

    def request_resources(self, bundles: list[dict[str, float]]) -> None:
        self.asked.append(bundles)


@pytest.fixture
def having(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeCluster]:
    def having(*looks: int) -> FakeCluster:
        fake = FakeCluster(*looks)
        monkeypatch.setattr(machines, "LOOK_EVERY_S", 0.0)
        monkeypatch.setattr(ray, "nodes", fake.nodes)
        monkeypatch.setattr(ray.autoscaler.sdk, "request_resources", fake.request_resources)
        return fake

    return having


def workers(count: int, **options: object) -> ClusterConfig:
    return ClusterConfig(address="auto", num_workers=count, **options)


def test_a_cluster_scaled_to_zero_is_asked_for_machines_and_waited_for(
    having: Callable[..., FakeCluster], caplog: pytest.LogCaptureFixture
) -> None:
    cluster = having(0, 0, 1, 2)
    require_room_on_cluster(workers(4, machines_timeout_s=60))
    assert cluster.asked == [[{"CPU": 1.0}] * 4, []], "what is asked for is taken back, or it stays for ever"
    assert caplog.text.count("waiting up to 60 s for machines") == 1


def test_a_cluster_that_has_room_is_asked_for_nothing(having: Callable[..., FakeCluster]) -> None:
    cluster = having(2)
    require_room_on_cluster(workers(4, machines_timeout_s=60))
    assert cluster.asked == []


def test_without_a_time_to_wait_it_is_refused_at_once_with_the_option(
    having: Callable[..., FakeCluster],
) -> None:
    cluster = having(1)
    with pytest.raises(ClusterError, match=r"holds 2; .*; cluster\.machines_timeout_s waits for machines"):
        require_room_on_cluster(workers(4))
    assert cluster.asked == []


def test_machines_that_do_not_come_in_time_are_an_error_and_asked_for_no_more(
    having: Callable[..., FakeCluster],
) -> None:
    cluster = having(1)
    with pytest.raises(ClusterError, match=r"holds 2; .*; no more machines came in 0\.05 s"):
        require_room_on_cluster(workers(4, machines_timeout_s=0.05))
    assert cluster.asked[-1] == []


def test_elastic_workers_wait_for_the_fewest_only(having: Callable[..., FakeCluster]) -> None:
    having(0, 1)
    require_room_on_cluster(workers(4, min_workers=2, machines_timeout_s=60))


def test_trials_take_machines_that_come_and_leave_those_that_go(having: Callable[..., FakeCluster]) -> None:
    having(1, 3, 2, 0)
    room = Room(workers(0), None, "sweep")
    assert [room(), room(), room()] == [6, 4, 4], "where all have gone, as many as before wait for others"


def test_no_more_trials_run_than_was_said(having: Callable[..., FakeCluster]) -> None:
    having(1, 3)
    room = Room(workers(2), 2, "sweep")
    assert room() == 2


def test_many_trials_ask_for_machines_for_all_of_their_workers(having: Callable[..., FakeCluster]) -> None:
    cluster = having(1)
    with asking_for(workers(2, machines_timeout_s=1), trials=3):
        assert cluster.asked == [[{"CPU": 1.0}] * 6]
    assert cluster.asked[-1] == []
    with asking_for(workers(2), trials=3):
        assert len(cluster.asked) == 2, "nothing is added to a cluster that nobody waits for"
