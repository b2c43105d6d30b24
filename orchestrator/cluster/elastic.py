"""Elastic workers: how many of them Ray Train starts, and when it starts them anew with more.

Ray Train's own policy takes any number between two, and restarts workers whenever a machine has come. Here
only divisors of the most are taken, so that each worker has as many shares of a batch; and a restart waits
for a report, after which there is nothing to lose.

Ray Train has no public way to choose the number of workers: its scaling policy is private, used in this file
alone, and `tests/contracts/test_private_parts.py` watches it.
"""

from collections.abc import Mapping
from typing import Any

import ray
from ray.train.torch import TorchTrainer
from ray.train.v2._internal.execution.scaling_policy import (
    ElasticScalingPolicy,
    NoopDecision,
    ScalingDecision,
)
from ray.train.v2._internal.execution.worker_group import WorkerGroupPollStatus, WorkerGroupState
from ray.train.v2.api.config import ScalingConfig

from orchestrator.cluster.session import places
from orchestrator.config.experiment import ClusterConfig


class ElasticTrainer(TorchTrainer):
    """A trainer that decides by `WholeShares`: Ray Train has no public way to say so."""

    def __init__(self, *given: Any, cluster: ClusterConfig, **options: Any) -> None:
        super().__init__(*given, **options)
        self._cluster = cluster

    def _initialize_and_run_controller(self, **given: Any) -> Any:
        policy = WholeShares(self.scaling_config, self._cluster)  # type: ignore[arg-type]
        return super()._initialize_and_run_controller(**given | {"scaling_policy": policy})  # type: ignore[misc]


class WholeShares(ElasticScalingPolicy):
    """Ray Train's elastic policy, for numbers of workers that divide the most there may be."""

    def __init__(self, scaling: ScalingConfig, cluster: ClusterConfig) -> None:
        super().__init__(scaling)
        self._cluster = cluster

    def make_decision_for_running_worker_group(
        self, worker_group_state: WorkerGroupState, worker_group_status: WorkerGroupPollStatus
    ) -> ScalingDecision:
        """Whether to restart with another number of them: only when a report's checkpoint is on the disk."""
        self._maybe_send_resource_request()
        if not any(status.training_report for status in worker_group_status.worker_statuses.values()):
            return NoopDecision()
        return super().make_decision_for_running_worker_group(worker_group_state, worker_group_status)

    def _count_possible_workers(self, reserved_resources: Mapping[str, Mapping[str, float]]) -> int:
        # What is reserved is up to 20 s old: machines may have died since.
        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        return self._cluster.workers_on(
            sum(
                places(self._cluster, resources)
                for node, resources in reserved_resources.items()
                if node in alive
            )
        )
