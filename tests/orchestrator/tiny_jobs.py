"""The smallest jobs that do all that a job does: 4 channels, 16x16 digits, batches of 8, 3 steps."""

from pathlib import Path
from typing import Any

import torch

from orchestrator.config.experiment import Experiment, with_overrides
from orchestrator.jobs.job import Job, Outcome, Stage
from search_space.sampling import sample_genotype
from trainers.report import Report

STEPS = (1, 2, 3)
"""When a tiny job reports."""

NETWORKS = {
    "generator": {"channels": 4, "bottom_width": 2, "image_channels": 1},
    "discriminator": {"channels": 4, "image_channels": 1},
}
SHORT = {"steps": 3, "report_every": 1, "batch_size": 8, "generator_batch_size": 8, "n_critic": 2}
UNSCORED = {"evaluation": {"every": 0, "metrics": ["fd"], "extractor": "digits"}}


def tiny_job(root: Path, /, stage: Stage = "search", **options: Any) -> Job:
    """A job below the root; options are dotted names with `__` for the dots."""
    experiment = Experiment(
        root=root,
        data={"name": "digits", "image_size": 16, "channels": 1},
        search={**SHORT, **NETWORKS, **UNSCORED},
        retrain={**SHORT, **NETWORKS, **UNSCORED},
    )
    experiment = with_overrides(
        experiment, {name.replace("__", "."): value for name, value in options.items()}
    )
    genotypes = {"generator": sample_genotype("generator", seed=3)} if stage == "retrain" else {}
    return Job(stage, experiment, genotypes, experiment.folder / "run" / stage)


class Recorder:
    """An `emit` that keeps what it gets and may fail, as a driver that dies there would."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.reports: list[Report] = []
        self._fails_at = fails_at

    def __call__(self, report: Report) -> None:
        self.reports.append(report)
        if report.step == self._fails_at:
            raise Interrupted

    @property
    def steps(self) -> list[int]:
        """At which something was reported."""
        return [report.step for report in self.reports]


class Interrupted(Exception):
    """The driver was stopped while it took in a report."""


def final_state(outcome: Outcome) -> dict[str, Any]:
    """Everything a job has trained."""
    return torch.load(outcome.checkpoint / "state.pt", weights_only=True)


def differences(state: Any, other: Any, name: str = "state") -> list[str]:
    """Where two states are not the same bit by bit."""
    if isinstance(state, torch.Tensor):
        return [] if state.dtype == other.dtype and torch.equal(state, other) else [name]
    if isinstance(state, dict):
        if state.keys() != other.keys():
            return [f"{name} keys"]
        return [line for key in state for line in differences(state[key], other[key], f"{name}.{key}")]
    if isinstance(state, list | tuple):
        pairs = zip(state, other, strict=True)
        return [line for i, (a, b) in enumerate(pairs) for line in differences(a, b, f"{name}.{i}")]
    return [] if state == other else [name]
