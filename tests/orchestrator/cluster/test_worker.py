"""Which errors end a run on Ray, and how warnings get from workers to the user."""

import logging

import pytest

from orchestrator.cluster.report_channel import Stopped
from orchestrator.cluster.worker import EndAtFinalErrors, WarningsToDriver
from search_space.errors import UserError
from trainers.datasets.images import DataError
from trainers.guarded_step import NonFiniteLoss


class FakeChannel:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

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
