"""Which errors end a run on Ray, and how warnings get from workers to the user."""

import logging

import pytest
import ray.train
from ray.train import PreemptionInfo

from orchestrator.cluster import worker
from orchestrator.cluster.report_channel import Stopped
from orchestrator.cluster.worker import EndAtFinalErrors, WarningsToDriver, Watch
from search_space.errors import UserError
from trainers.datasets.images import DataError
from trainers.guarded_step import NonFiniteLoss


class FakeChannel:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.steps: list[int] = []

    def tick(self, step: int) -> None:
        self.steps.append(step)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@pytest.mark.parametrize("error", [UserError("u"), DataError("d"), NonFiniteLoss("n"), Stopped("s")])
def test_errors_that_would_come_again_end_the_run_as_themselves(error: Exception) -> None:
    callback = EndAtFinalErrors(FakeChannel())  # type: ignore[arg-type]
    collateral = RuntimeError("Connection closed by peer")
    with pytest.raises(type(error)) as raised:
        callback.after_exception(run_context=None, worker_exceptions={0: collateral, 1: error})
    assert raised.value is error


def test_other_errors_are_left_to_rays_restarts_and_told_to_the_user() -> None:
    channel = FakeChannel()
    callback = EndAtFinalErrors(channel)  # type: ignore[arg-type]
    callback.after_exception(run_context=None, worker_exceptions={1: RuntimeError("worker died\nat length")})
    assert channel.warnings == ["worker 1 failed: worker died"]


def test_warnings_of_workers_reach_the_driver_and_information_does_not() -> None:
    channel = FakeChannel()
    logger = logging.getLogger("tests.orchestrator.worker")
    handler = WarningsToDriver(channel)  # type: ignore[arg-type]
    logger.addHandler(handler)
    try:
        logger.warning("checkpoint %d is damaged", 3)
        logger.info("going on")
    finally:
        logger.removeHandler(handler)
    assert channel.warnings == ["worker 0: checkpoint 3 is damaged"]


def noticed(*nodes: str) -> PreemptionInfo:
    return PreemptionInfo(deadline_ms=None, preempted_node_to_ranks={node: [0] for node in nodes})


def test_a_notice_is_answered_by_one_checkpoint_and_another_machines_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "LOOK_S", 0.0)  # after every step
    notices = iter([None, noticed("one"), noticed("one"), noticed("one"), noticed("one", "two")])
    monkeypatch.setattr(ray.train, "get_preemption_info", lambda: next(notices))
    channel = FakeChannel()
    watch = Watch(channel)  # type: ignore[arg-type]
    assert [watch(1), watch(2), watch(3)] == [False, True, True], "until it is saved"
    watch.saved()
    assert [watch(4), watch(5)] == [False, True]
    assert channel.steps == [1, 2, 3, 4, 5]


def test_looks_for_notices_are_seconds_apart_however_short_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each makes all workers wait for each other."""
    now, looks = [0.0], []
    monkeypatch.setattr(worker.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(ray.train, "get_preemption_info", lambda: looks.append(now[0]))
    watch = Watch(FakeChannel())  # type: ignore[arg-type]
    for step in range(1, 1001):
        now[0] += 0.1
        watch(step)
    assert looks[:3] == pytest.approx([0.1, 5.1, 10.1])
    assert 19 <= len(looks) <= 21
