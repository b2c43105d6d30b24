"""The channel that carries reports and warnings from the workers to the driver."""

import pickle
import time
from typing import Any

from orchestrator.cluster.mailbox import Mailbox
from trainers.report import Report

TICK_S = 1.0
"""Seconds between two steps that the driver is told of: people see no more, and a step may take less."""


class Stopped(Exception):
    """The driver wants no more reports."""


class ReportChannel:
    """Hands reports over one by one; sending returns when the driver is through with the report.

    So a report's checkpoint is committed after the report is recorded, as it is without Ray. The value can be
    sent to workers; the actor behind it lives on the driver's machine and dies with the driver.
    """

    def __init__(self, mailbox: Any) -> None:
        self._mailbox = mailbox
        self._next_tick = 0.0

    @classmethod
    def open(cls) -> "ReportChannel":
        """A new channel; called by the driver."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        return cls(ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here).remote())

    def send(self, report: Report) -> None:
        """Hand a report to the driver and wait until it is recorded there.

        Raises:
            Stopped: the driver has stopped the run.
        """
        import ray

        if not ray.get(self._mailbox.put.remote(pickle.dumps(report))):
            raise Stopped("the driver has stopped the run")

    def warn(self, text: str) -> None:
        """Hand the driver something to tell the user; does not wait."""
        self._mailbox.put.remote(pickle.dumps(text))

    def tick(self, step: int) -> None:
        """Hand the driver the number of steps that are done, at most once in `TICK_S`; does not wait."""
        if time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + TICK_S
            self._mailbox.put.remote(pickle.dumps(step))

    def receive(self, seconds: float) -> Report | str | int | None:
        """The report, warning or step that waits longest, None if none comes in time; see `acknowledge`."""
        import ray

        packed = ray.get(self._mailbox.oldest.remote(seconds))
        return packed and pickle.loads(packed)

    def acknowledge(self) -> None:
        """Release the last received report and let its sender continue."""
        import ray

        ray.get(self._mailbox.drop_oldest.remote())

    def stop(self) -> None:
        """Make every sender, now and later, raise `Stopped`; does not wait."""
        self._mailbox.stop.remote()
