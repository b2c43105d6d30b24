"""Sessions of Ray: connecting, the private token, and the resources of workers and trials."""

import logging
import math
import os
import secrets
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrator.config.experiment import ClusterConfig
from search_space.errors import UserError, one_line
from trainers.interruption import finishing, keep_handling

TOKEN_FILE = Path("~/.ray/auth_token")
"""Where Ray looks for it, unless told otherwise."""

ELSEWHERE = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


def keep_token_private() -> None:
    """Make the token that a Ray of our own would make at its start, and be quicker: Ray's is for all to read.

    One that is there already loses what others may do with it.
    """
    if os.environ.get("RAY_AUTH_MODE", "token") != "token" or any(map(os.environ.get, ELSEWHERE)):
        return
    file = TOKEN_FILE.expanduser()
    if file.exists():
        if file.stat().st_uid == os.getuid():
            file.chmod(0o600)
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = file.with_name(f".{secrets.token_hex(8)}")
    try:
        with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_hex(32))
        with suppress(FileExistsError):  # another process was quicker; its token counts
            os.link(written, file)
    finally:
        written.unlink(missing_ok=True)


class ClusterError(UserError):
    """There is no such cluster, or it has no room."""


@contextmanager
def ray_cluster(cluster: ClusterConfig, name: str | None = None) -> Iterator[bool]:
    """Be connected to Ray: until the end of the block (then True), or as before if the process was already.

    `name` is the run's, under which Ray's dashboard lists what is started.

    Raises:
        ClusterError: nobody answers at the address.
    """
    import ray

    if ray.is_initialized():
        yield False
        return
    if cluster.address == "local":
        require_room(cluster, [this_machine()], "this machine")
    _connect(cluster, name)
    try:
        yield True
    finally:
        with finishing():
            _shut_down()


def require_room(cluster: ClusterConfig, nodes: Sequence[Mapping[str, float]], place: str) -> None:
    """Refuse more workers than fit on nodes of these resources ("CPU", "GPU"); elastic, only the fewest must.

    Raises:
        ClusterError: with the arithmetic.
    """
    room = sum(places(cluster, node) for node in nodes)
    if cluster.num_workers and not cluster.workers_on(room):
        wanted = resources_per_worker(cluster)
        option = "num_workers" if cluster.min_workers is None else "min_workers"
        each = " and ".join(f"{amount:g} {kind}" for kind, amount in wanted.items())
        there = "; ".join(", ".join(f"{node.get(kind, 0):g} {kind}" for kind in wanted) for node in nodes)
        raise ClusterError(
            f"cluster.{option} = {getattr(cluster, option)}: of {each} each, {place} ({there}) holds {room}; "
            f"use {f'at most {room}' if room else '0'} or smaller workers"
        )


def places(cluster: ClusterConfig, node: Mapping[str, float]) -> int:
    """Workers that one machine of these resources holds: none is split over two."""
    return min(
        math.floor(node.get(kind, 0) / amount + 1e-9)
        for kind, amount in resources_per_worker(cluster).items()
    )


def resources_per_worker(cluster: ClusterConfig) -> dict[str, float]:
    """What each worker occupies, in Ray's words."""
    gpus = {"GPU": cluster.gpus_per_worker} if cluster.use_gpu else {}
    return {"CPU": cluster.cpus_per_worker, **gpus}


def this_machine() -> dict[str, float]:
    """What this process may use of this machine."""
    import torch

    return {"CPU": len(os.sched_getaffinity(0)), "GPU": torch.cuda.device_count()}


def _connect(cluster: ClusterConfig, name: str | None) -> None:
    import ray
    from ray.exceptions import AuthenticationError

    machine = this_machine()
    own = cluster.address == "local"
    if own:
        keep_token_private()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=cluster.address,
            num_cpus=int(machine["CPU"]) if own else None,
            num_gpus=int(machine["GPU"]) if own else None,
            namespace=f"advnas {name}" if name else None,
            include_dashboard=False if own else None,
            logging_level=logging.ERROR,
            # What workers have to say to the user comes through the channel.
            log_to_driver=False,
        )
    except SystemExit:
        # While it starts, Ray's own handler takes SIGTERM, and ends the process without closing anything.
        raise KeyboardInterrupt from None
    except (ConnectionError, AuthenticationError) as error:
        raise ClusterError(
            f"cluster.address = {cluster.address}: no Ray cluster answers there, or it wants another token; "
            "start one (ray start --head), name its token (RAY_AUTH_MODE=token, RAY_AUTH_TOKEN_PATH=FILE) or "
            "use local"
        ) from error
    # Ray raises plain exceptions where a process of its own does not answer in time, or ends.
    except Exception as error:
        with suppress(Exception):
            _shut_down()
        where = "on this machine" if own else f"at cluster.address = {cluster.address}"
        raise ClusterError(
            f"Ray did not start {where} ({one_line(error)}); where it is busy or short of memory, end other "
            f"programs and start again{', or use cluster.num_workers 0, which needs no Ray' if own else ''}"
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _shut_down() -> None:
    """Disconnect, and end a Ray of our own.

    In its middle, before it ends its processes one by one, Ray gives SIGTERM back to the system, which would
    end this process too. Python cannot forbid that, only set its handler again some milliseconds later.
    """
    import ray

    if threading.current_thread() is not threading.main_thread():
        ray.shutdown()
        return
    ending = threading.Thread(target=ray.shutdown, name="ray.shutdown", daemon=True)
    ending.start()
    while ending.is_alive():
        ending.join(0.002)
        keep_handling(signal.SIGTERM)


# How many trials fit on a cluster at once, by rule, before anything is started. A trial of
# `cluster.num_workers = 0` trains in its own process, which occupies what a worker would. One of N workers
# is a driver that occupies no CPU and N workers; elastic ones count with the most they may have.

Node = Mapping[str, float]
"""What a machine has, in Ray's words: CPU, GPU."""

DRIVER = {"node:__internal_head__": 0.01}
"""A trial that only drives workers takes this on the head node; Ray refuses trials without resources."""


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
    # Elastic trials start one at a time if not even one fits with all its workers.
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
