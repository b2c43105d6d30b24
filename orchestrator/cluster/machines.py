"""Machines of the connected cluster as they come and go: asked of its autoscaler, waited for, and used."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from orchestrator.cluster.session import (
    ClusterError,
    Node,
    concurrent_trials,
    require_room,
    resources_per_worker,
)
from orchestrator.config.experiment import ClusterConfig
from trainers.interruption import raise_if_interrupted

LOOK_EVERY_S = 2.0

T = TypeVar("T")

logger = logging.getLogger(__name__)


def machines() -> list[Node]:
    """What each machine has, occupied or not."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def require_room_on_cluster(cluster: ClusterConfig) -> None:
    """Refuse workers that the connected cluster cannot hold even if it is idle, nor comes to hold in time.

    Raises:
        ClusterError: with the number of workers it can hold.
    """
    _waited_for(cluster, lambda nodes: require_room(cluster, nodes, "the cluster"))


@contextmanager
def asking_for(cluster: ClusterConfig, trials: int) -> Iterator[None]:
    """Within it, the autoscaler is asked for machines for so many trials, if any may be added at all."""
    if not cluster.machines_timeout_s:
        yield
        return
    from ray.autoscaler.sdk import request_resources

    request_resources(bundles=[resources_per_worker(cluster)] * (cluster.shares * trials))
    try:
        yield
    finally:
        request_resources(bundles=[])  # else it would keep them for ever


class Room:
    """How many trials may run at once on the machines that there are now; at first, at least one can.

    Raises:
        ClusterError: with the arithmetic, if not even one fits, nor comes to fit in time.
    """

    def __init__(self, cluster: ClusterConfig, at_most: int | None, command: str) -> None:
        self._count = lambda nodes: concurrent_trials(cluster, at_most, nodes, command)
        self._trials = _waited_for(cluster, self._count)
        self._looked = time.monotonic()

    def __call__(self) -> int:
        """As of the last seconds; where all machines have gone, as many as before wait for others."""
        if time.monotonic() - self._looked > LOOK_EVERY_S:
            with suppress(ClusterError):
                self._trials = self._count(machines())
            self._looked = time.monotonic()
        return self._trials


def _waited_for(cluster: ClusterConfig, look: Callable[[Sequence[Node]], T]) -> T:
    """What `look` says of the machines, once it raises no more, or in the end what it raises."""
    until = time.monotonic() + cluster.machines_timeout_s
    try:
        return look(machines())
    except ClusterError as error:
        if not cluster.machines_timeout_s:
            raise ClusterError(f"{error}{_of_waiting(cluster)}") from None
        logger.warning("waiting up to %g s for machines: %s", cluster.machines_timeout_s, error)
    with asking_for(cluster, trials=1):
        while True:
            raise_if_interrupted()
            time.sleep(LOOK_EVERY_S)
            try:
                return look(machines())
            except ClusterError as error:
                if time.monotonic() >= until:
                    raise ClusterError(f"{error}{_of_waiting(cluster)}") from None


def _of_waiting(cluster: ClusterConfig) -> str:
    if cluster.machines_timeout_s:
        return f"; no more machines came in {cluster.machines_timeout_s:g} s (cluster.machines_timeout_s)"
    return "" if cluster.address == "local" else "; cluster.machines_timeout_s waits for machines to be added"
