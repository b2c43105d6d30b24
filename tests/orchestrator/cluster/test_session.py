"""Workers that cannot fit are refused before anything starts; Ray itself is not needed to know."""

import os
import signal
import sys

import pytest

from orchestrator.__main__ import main
from orchestrator.cluster.session import ClusterError, ray_cluster, require_room, resources_per_worker
from orchestrator.config.experiment import ClusterConfig

LAPTOP = {"CPU": 2.0, "GPU": 0.0, "memory": 1e9}
GPU_NODE = {"CPU": 16.0, "GPU": 8.0}


@pytest.mark.parametrize(
    ("cluster", "nodes"),
    [
        (ClusterConfig(num_workers=2), [LAPTOP]),
        (ClusterConfig(num_workers=4, cpus_per_worker=0.5), [LAPTOP]),
        (ClusterConfig(num_workers=20, cpus_per_worker=0.1), [LAPTOP]),
        (ClusterConfig(num_workers=16, use_gpu=True), [GPU_NODE, GPU_NODE]),
        (ClusterConfig(num_workers=16, use_gpu=True, gpus_per_worker=0.5), [GPU_NODE]),
        (ClusterConfig(num_workers=2, cpus_per_worker=2), [LAPTOP, {}, LAPTOP]),
        (ClusterConfig(num_workers=8, min_workers=2), [LAPTOP]),
        (ClusterConfig(num_workers=8, min_workers=4), [LAPTOP, LAPTOP, {"CPU": 1.0}]),
    ],
)
def test_workers_that_fit_are_let_through(cluster: ClusterConfig, nodes: list[dict[str, float]]) -> None:
    require_room(cluster, nodes, "the cluster")


@pytest.mark.parametrize(
    ("cluster", "nodes", "message"),
    [
        (
            ClusterConfig(num_workers=3),
            [LAPTOP],
            r"of 1 CPU each, the cluster \(2 CPU\) holds 2; use at most 2",
        ),
        # Eight CPUs, but no node has room for even one worker of three.
        (ClusterConfig(num_workers=2, cpus_per_worker=3), [LAPTOP] * 4, "holds 0; use 0 or smaller workers"),
        # CPUs run out before GPUs do.
        (
            ClusterConfig(num_workers=8, cpus_per_worker=4, use_gpu=True),
            [GPU_NODE],
            r"of 4 CPU and 1 GPU each, the cluster \(16 CPU, 8 GPU\) holds 4",
        ),
        (ClusterConfig(num_workers=1, use_gpu=True), [LAPTOP], r"\(2 CPU, 0 GPU\) holds 0"),
    ],
)
def test_workers_that_do_not_fit_are_refused_with_the_arithmetic(
    cluster: ClusterConfig, nodes: list[dict[str, float]], message: str
) -> None:
    with pytest.raises(ClusterError, match=rf"cluster.num_workers = {cluster.num_workers}: .*{message}"):
        require_room(cluster, nodes, "the cluster")


def test_of_elastic_workers_the_fewest_must_fit() -> None:
    with pytest.raises(ClusterError, match=r"cluster.min_workers = 4: .*holds 2; use at most 2"):
        require_room(ClusterConfig(num_workers=8, min_workers=4), [LAPTOP], "the cluster")


def test_too_many_workers_for_this_machine_are_refused_before_ray_starts() -> None:
    with (
        pytest.raises(ClusterError, match=r"this machine .* holds"),
        ray_cluster(ClusterConfig(num_workers=9999)),
    ):
        pass


def test_gpus_are_asked_for_only_where_they_are_used() -> None:
    assert resources_per_worker(ClusterConfig(cpus_per_worker=2, gpus_per_worker=0.5)) == {"CPU": 2}
    assert resources_per_worker(ClusterConfig(cpus_per_worker=2, gpus_per_worker=0.5, use_gpu=True)) == {
        "CPU": 2,
        "GPU": 0.5,
    }


def test_a_driver_stopped_while_ray_starts_is_interrupted_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: object) -> None:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(number))  # as Ray does
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("ray.init", init)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), ray_cluster(ClusterConfig(num_workers=1)):
        pass
    assert signal.getsignal(signal.SIGTERM) is before


TIMEOUT = (
    "The current node timed out during startup. This could happen because some of the raylet failed to "
    "startup or the GCS has become overloaded."
)
"""As Ray says it, in an exception of no particular kind."""


@pytest.mark.parametrize(
    ("address", "place"),
    [("local", "on this machine"), ("10.0.0.1:6379", "at cluster.address = 10.0.0.1:6379")],
)
def test_a_ray_that_does_not_start_in_time_is_a_mistake_of_one_line(
    address: str, place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def init(**_: object) -> None:
        raise Exception(TIMEOUT)

    monkeypatch.setattr("ray.init", init)

    def command(_: object) -> int:
        with ray_cluster(ClusterConfig(num_workers=1, address=address)):
            return 0

    monkeypatch.setattr("orchestrator.cli.ui.run", command)
    assert main(["ui"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"advnas: Ray did not start {place} (The current node timed out during startup.")
    assert "end other programs and start again" in said
    assert said.count("\n") == 1
