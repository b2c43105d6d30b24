"""How many trials fit on a cluster at once, by rule, before anything is started.

A trial of `cluster.num_workers = 0` trains in its own process, which occupies what a worker would. One of N
workers is a driver that occupies no CPU and N workers; elastic ones count with the most they may have.
"""

from collections.abc import Mapping, Sequence

from orchestrator.cluster.session import ClusterError, places, resources_per_worker
from orchestrator.config.experiment import ClusterConfig

Node = Mapping[str, float]
"""What a machine has, in Ray's words: CPU, GPU."""

DRIVER = {"node:__internal_head__": 0.01}
"""Of a trial that only drives workers: a place on the head node; Ray refuses trials of no resource at all."""


def trial_resources(cluster: ClusterConfig) -> dict[str, float]:
    """What Tune reserves for a trial; workers of its own reserve theirs themselves."""
    return dict(DRIVER) if cluster.num_workers else resources_per_worker(cluster)


def concurrent_trials(
    cluster: ClusterConfig, at_most: int | None, nodes: Sequence[Node], command: str = "sweep"
) -> int:
    """Trials at once: floor(places for workers / workers of a trial), or fewer if so configured.

    No more trials are started than can have all of their workers, so that none waits for another's.

    Raises:
        ClusterError: with the arithmetic, if not even one fits.
    """
    room = sum(places(cluster, node) for node in nodes)
    # Of elastic trials one at a time is started where not even one could have the most.
    fits = room // cluster.shares or int(cluster.workers_on(room) > 0)
    if not fits:
        raise ClusterError(f"{command}: {arithmetic(cluster, nodes)}; use smaller or fewer workers")
    return min(fits, at_most or fits)


def arithmetic(cluster: ClusterConfig, nodes: Sequence[Node]) -> str:
    """How the number of concurrent trials comes about, in words."""
    each = " and ".join(f"{amount:g} {kind}" for kind, amount in resources_per_worker(cluster).items())
    room = sum(places(cluster, node) for node in nodes)
    total = ", ".join(
        f"{sum(node.get(kind, 0) for node in nodes):g} {kind}" for kind in resources_per_worker(cluster)
    )
    machines = f"{len(nodes)} machine{'s' * (len(nodes) != 1)}"
    held = f"{machines} with {total} hold {room} workers of {each}; a trial has"
    if cluster.min_workers and not cluster.workers_on(room):
        return f"{held} at least {cluster.min_workers} of {cluster.num_workers}, so there is no room for one"
    fits = room // cluster.shares
    return f"{held} {cluster.shares}, so floor({room} / {cluster.shares}) = {fits} trials at once"
