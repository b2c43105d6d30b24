"""A source of learning curves that trains: every run goes on from the rung before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment
from orchestrator.console.console import Console
from orchestrator.jobs.job import Job, Outcome
from orchestrator.selection.candidates import Named
from orchestrator.selection.journal import Journal
from orchestrator.selection.source import Request
from orchestrator.selection.training import Run, Train
from trainers.guarded_step import NonFiniteLoss


def trial_of(experiment: Experiment, seed: int, step: int) -> Experiment:
    """A retraining that ends at a rung and is scored there alone; only its newest checkpoint is needed."""
    retrain = experiment.retrain
    evaluation = retrain.evaluation.model_copy(update={"every": step})
    retrain = retrain.model_copy(update={"steps": step, "evaluation": evaluation})
    return experiment.model_copy(update={"seed": seed, "keep_checkpoints": 1, "retrain": retrain})


@dataclass(frozen=True)
class LiveCurves:
    """Has trained what is asked for."""

    experiment: Experiment
    candidates: Mapping[str, Named]
    folder: Path
    """Of the selection; a run lies in <hash of its genotype>/seed-<k>."""
    metric: str
    """As reported."""
    journal: Journal
    """Gets every score as soon as it is there: an interruption costs one run's way to the rung at most."""
    console: Console
    train: Train

    def scores(self, requests: Sequence[Request]) -> Mapping[Request, float | None]:
        """A score for each request, None for a run that diverged."""
        runs = [
            self._run(request, f"{number} of {len(requests)}")
            for number, request in enumerate(requests, start=1)
        ]
        answers: dict[Request, float | None] = {}
        for run, outcome in self.train(runs):
            answers[run.request] = self._score(run, outcome)
            self.journal.record(run.request, answers[run.request])
        return answers

    def job(self, request: Request) -> Job:
        """The training that answers a request."""
        genotype = self.candidates[request.genotype][1]
        folder = self.folder / genotype.content_hash / f"seed-{request.seed}"
        trial = trial_of(self.experiment, request.seed, request.step)
        return Job("retrain", trial, {"generator": genotype}, folder)

    def _run(self, request: Request, number: str) -> Run:
        job = self.job(request)
        _require_not_beyond(job, request)
        title = f"select {number}: {self.candidates[request.genotype][0]}, seed {request.seed}"
        return Run(request, title, job)

    def _score(self, run: Run, outcome: Outcome | NonFiniteLoss) -> float | None:
        if isinstance(outcome, NonFiniteLoss):
            self.console.say(f"{run.title}: diverged, {outcome}")
            return None
        score = outcome.metrics[self.metric]
        self.console.say(f"{run.title}: {self.metric} {score:.4g} at step {run.job.config.steps}")
        return score


def _require_not_beyond(job: Job, request: Request) -> None:
    """Rungs may be added after those that were reached, not before."""
    newest = job.checkpoints.latest()
    if newest and newest.meta.step > request.step:
        raise ConfigError(
            f"select.rungs: {request.step} was not scored, and {job.folder} is at step {newest.meta.step} "
            "already; use the rungs of before, later ones, or another name"
        )
