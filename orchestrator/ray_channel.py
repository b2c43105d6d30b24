"""How reports and warnings get from the workers, wherever they run, into the driver's hands."""

import asyncio
import pickle
from collections import deque
from contextlib import suppress
from typing import Any

from trainers.report import Report


class Stopped(Exception):
    """The driver wants no more reports."""


class ReportChannel:
    """Hands reports over one by one; sending returns when the driver is through with the report.

    So a report's checkpoint is committed after the report is recorded, as it is without Ray. The value can be
    sent to workers; the actor behind it lives on the driver's machine and dies with the driver.
    """

    def __init__(self, mailbox: Any) -> None:
        self._mailbox = mailbox

    @classmethod
    def open(cls) -> "ReportChannel":
        """A new channel; called by the driver."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        return cls(ray.remote(_Mailbox).options(num_cpus=0, scheduling_strategy=here).remote())

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

    def receive(self, seconds: float) -> Report | str | None:
        """The report or warning that waits longest, or None if none comes in time; see `acknowledge`."""
        import ray

        packed = ray.get(self._mailbox.oldest.remote(seconds))
        return packed and pickle.loads(packed)

    def acknowledge(self) -> None:
        """Let go of what was received last, and its sender go on."""
        import ray

        ray.get(self._mailbox.drop_oldest.remote())

    def stop(self) -> None:
        """Make every sender, now and later, raise `Stopped`; does not wait."""
        self._mailbox.stop.remote()


class _Mailbox:
    """The actor. It passes bytes on without looking inside, so its process need not import torch."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[bytes, asyncio.Event]] = deque()
        self._arrived = asyncio.Event()
        self._stopped = False

    async def put(self, packed: bytes) -> bool:
        acknowledged = asyncio.Event()
        self._waiting.append((packed, acknowledged))
        self._arrived.set()
        if not self._stopped:
            await acknowledged.wait()
        return not self._stopped

    async def oldest(self, seconds: float) -> bytes | None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), seconds)
        return self._waiting[0][0] if self._waiting else None

    async def drop_oldest(self) -> None:
        _, acknowledged = self._waiting.popleft()
        acknowledged.set()
        if not self._waiting:
            self._arrived.clear()

    async def stop(self) -> None:
        self._stopped = True
        for _, acknowledged in self._waiting:
            acknowledged.set()
