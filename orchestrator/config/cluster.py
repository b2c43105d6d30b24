"""The settings of workers and of tracking."""

import math
import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from search_space.frozen import Frozen
from trainers.files import without_secrets


def _ray_address(address: str) -> str:
    if not re.fullmatch(r"local|auto|(ray://)?[^\s/:]+:\d+", address):
        raise ValueError("must be local (starts a Ray of its own), auto, host:port or ray://host:port")
    return address


class ClusterConfig(Frozen):
    """The workers of a run. Only `num_workers` decides results: each has a ghost batch of BatchNorm."""

    num_workers: NonNegativeInt = 0
    """Number of workers. 0: this process computes; 1 and more: Ray Train workers, which share every
    batch."""
    min_workers: PositiveInt | None = None
    """Smallest number of workers of an elastic run, which uses as many as there is room for; its results
    are the same up to rounding. null: always all workers, with the same bits every time."""
    cpus_per_worker: PositiveFloat = 1.0
    """CPUs that Ray reserves for each worker."""
    use_gpu: bool = False
    """Whether each worker, or this process, computes on a GPU."""
    gpus_per_worker: PositiveFloat = 1.0
    """Number of GPUs of each worker, if it uses GPUs; a fraction lets workers share one."""
    placement: Literal["pack", "spread"] = "pack"
    """Where workers are placed, as far as there is room: `pack` uses few machines, `spread` many."""
    address: Annotated[str, AfterValidator(_ray_address)] = "local"
    """Address of Ray: `local` starts a Ray of the run's own; `auto`, host:port or ray://host:port joins a
    running cluster."""
    max_failures: NonNegativeInt = 3
    """Number of restarts from the newest checkpoint after a worker or its machine has died."""
    report_timeout_s: PositiveFloat = 3600.0
    """Seconds without a report after which workers count as stuck."""

    machines_timeout_s: NonNegativeFloat = 0.0
    """Seconds to wait for machines that a cluster adds on demand, for which its autoscaler is asked; 0: what
    the cluster cannot hold is refused at once."""

    @model_validator(mode="after")
    def _shares_come_out_even(self) -> "ClusterConfig":
        fewest, most = self.min_workers, self.num_workers
        if fewest and not most:
            raise ValueError(
                "min_workers: there are no workers; set num_workers to how many there are at most"
            )
        if fewest and most % fewest:
            raise ValueError(
                f"min_workers: must divide num_workers = {most}, as each computes whole shares of a batch; "
                f"use {math.gcd(fewest, most)} or another divisor"
            )
        return self

    @property
    def shares(self) -> int:
        """Parts that a batch is cut into, whoever computes them."""
        return max(self.num_workers, 1)

    def workers_on(self, places: int) -> int:
        """How many workers there are where there is room for so many: each has as many shares; 0: too few."""
        fewest = max(self.min_workers or self.num_workers, 1)
        counts = range(min(places, self.num_workers), fewest - 1, -1)
        return next((count for count in counts if self.num_workers % count == 0), 0)


class TrackingConfig(Frozen):
    """Where MLflow keeps runs."""

    uri: Annotated[str, AfterValidator(without_secrets)] | None = None
    """MLflow tracking URI, without a password: that is read from MLFLOW_TRACKING_PASSWORD (a server's) or
    PGPASSWORD (PostgreSQL's). null is the SQLite database in `root`."""
    experiment: str = Field(default="advnas", min_length=1)
    """MLflow experiment that the runs belong to."""
    model: Annotated[str, Field(pattern=r"^[^/:'\"]+$")] | None = "advnas-generator"
    """Of the registry: each generator that a pipeline ends with becomes a version of it; null: none does."""
    system_metrics: bool = True
    """Whether reports say how busy the machine of the driver is: CPU, memory, disk, network, GPUs."""
