"""Learning curves by training: runs of a rung one after another in this process, or side by side on Ray."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.cluster.machines import Room, asking_for
from orchestrator.cluster.session import ClusterError, trial_resources
from orchestrator.cluster.shared_root import Mark, mark_of
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import ClusterConfig, Experiment
from orchestrator.console.console import Console
from orchestrator.console.outlook import Work
from orchestrator.console.progress import in_words
from orchestrator.jobs.job import Job, Launch, Listen, Outcome
from orchestrator.selection.candidates import Named
from orchestrator.selection.journal import Journal
from orchestrator.selection.policies.forecast import Known, Remaining
from orchestrator.selection.result import Request
from search_space.errors import UserError
from trainers.guarded_step import NonFiniteLoss
from trainers.interruption import raise_if_interrupted

if TYPE_CHECKING:
    from ray import ObjectRef


WAIT_S = 2.0
"""Seconds between two checks of whether the process was told to stop."""


@dataclass(frozen=True)
class Run:
    """One training of a candidate, with one seed, up to a rung."""

    request: Request
    title: str
    """The text that names the run on a terminal."""
    job: Job


End = tuple[Run, Outcome | NonFiniteLoss]
"""A run and its outcome; a loss that is not finite is an outcome too."""

Train = Callable[[Sequence[Run]], Iterator[End]]
"""A function that does runs and yields each as soon as it is done."""


def one_after_another(launch: Launch, console: Console) -> Train:
    """Train each run with the workers of the cluster section, and show its progress."""

    def train(runs: Sequence[Run]) -> Iterator[End]:
        for number, run in enumerate(runs, start=1):
            job, later = run.job, map(_work, runs[number:])
            try:
                with (
                    console.ahead(*later),
                    console.stage(
                        run.title, job.end, job.checkpoints.step(), job.stage, job.images_after
                    ) as view,
                ):
                    outcome: Outcome | NonFiniteLoss = launch(run.job, view.report)
            except NonFiniteLoss as loss:
                outcome = loss
            yield run, outcome

    return train


def _work(run: Run) -> Work:
    done = run.job.checkpoints.step()
    return Work(run.job.stage, run.job.end - done, 1, run.job.images_after(done))


def side_by_side(
    cluster: ClusterConfig, at_most: int | None, command: str = "select", listen: Listen | None = None
) -> Train:
    """Train as many runs at once as the connected Ray holds, or fewer; each takes as much as a sweep's trial.

    `listen` makes what hears the reports of a run, in the process that drives it.
    """

    def train(runs: Sequence[Run]) -> Iterator[End]:
        import ray

        threads = max(1, int(cluster.cpus_per_worker))
        task = ray.remote(**_options(cluster))(_train)
        waiting = list(runs)[::-1]
        running: dict[ObjectRef[Outcome | Exception], Run] = {}
        with asking_for(cluster, min(len(runs), at_most or len(runs))), _cancelled_at_the_end(running):
            room = Room(cluster, at_most, command) if runs else lambda: 0
            while waiting or running:
                while waiting and len(running) < room():
                    run = waiting.pop()
                    mark = mark_of(run.job.experiment, run.job.folder)
                    named = task.options(name=run.title)  # Ray's dashboard shows it by this name
                    running[named.remote(run.job, threads, listen, mark)] = run
                ended, _ = ray.wait(list(running), timeout=WAIT_S)
                raise_if_interrupted()
                for done in ended:
                    run = running.pop(done)
                    outcome = _outcome(done, command)
                    if run.job.experiment.object_store and run.job.copy:
                        run.job.copy.fetch()
                    yield run, outcome

    return train


@contextmanager
def _cancelled_at_the_end(running: Mapping["ObjectRef[Outcome | Exception]", Run]) -> Iterator[None]:
    import ray

    try:
        yield
    finally:
        for one in running:
            ray.cancel(one)


def _options(cluster: ClusterConfig) -> dict[str, Any]:
    wanted = dict(trial_resources(cluster))
    return {
        "num_cpus": wanted.pop("CPU", 0),
        "num_gpus": wanted.pop("GPU", 0),
        "resources": wanted,
        # Of a run whose process or machine has died; it goes on from its newest checkpoint.
        "max_retries": cluster.max_failures,
    }


def _train(job: Job, threads: int, listen: Listen | None, mark: Mark | None) -> Outcome | Exception:
    """The body of a task. It returns errors of the user as values: Ray would wrap a traceback around them."""
    import torch

    from orchestrator.cluster.launch import launch

    # Sums over threads round differently: a resumed run needs as many as before, wherever it lands.
    torch.set_num_threads(threads)
    try:
        if mark:
            mark.require_seen()
        return launch(job, listen(job) if listen else lambda _: None)
    except (UserError, NonFiniteLoss) as error:
        return error


def _outcome(task: "ObjectRef[Outcome | Exception]", command: str) -> Outcome | NonFiniteLoss:
    import ray

    try:
        found = ray.get(task)
    except ray.exceptions.WorkerCrashedError as error:
        raise ClusterError(
            f"{command}: a process that trains a candidate died more often than cluster.max_failures (out of "
            "memory?); start again to go on, scores that are there stay"
        ) from error
    if isinstance(found, UserError):
        raise found
    assert isinstance(found, Outcome | NonFiniteLoss), found
    return found


def trial_of(experiment: Experiment, seed: int, step: int) -> Experiment:
    """A retraining that is scored at a rung alone; only its newest checkpoint is needed."""
    retrain = experiment.retrain
    evaluation = retrain.evaluation.model_copy(update={"every": step})
    retrain = retrain.model_copy(update={"evaluation": evaluation})
    return experiment.model_copy(update={"seed": seed, "keep_checkpoints": 1, "retrain": retrain})


@dataclass(frozen=True)
class LiveCurves:
    """A source that trains the runs whose scores are requested."""

    experiment: Experiment
    candidates: Mapping[str, Named]
    folder: Path
    """Folder of the selection; a run is stored in <hash of its genotype>/seed-<k>."""
    metric: str
    """The name of the score, as it is reported."""
    journal: Journal
    """The journal gets every score at once: an interruption costs at most one run's way to the rung."""
    console: Console
    train: Train
    remaining: Callable[[Known], Remaining] = lambda _: Remaining(0, 0)
    """A function that tells what the policy still trains when it knows these scores."""

    def scores(self, requests: Sequence[Request]) -> Mapping[Request, float | None]:
        """A score for each request, None for a run that diverged."""
        left, known = self.remaining(self.journal.known), len(self.journal.known)
        total = known + max(left.trainings, len(requests))
        runs = [
            self._run(request, f"{number} of {total}") for number, request in enumerate(requests, known + 1)
        ]
        if len(runs) > 1:
            self.console.say(f"select: about {total} trainings in all, {left.steps:,} steps left")
        steps = {run.request: run.job.end - run.job.checkpoints.step() for run in runs}
        later, began, trained = self._later(left, runs, sum(steps.values())), time.monotonic(), 0
        answers: dict[Request, float | None] = {}
        with self.console.ahead(later):
            for run, outcome in self.train(runs):
                answers[run.request] = self._score(run, outcome)
                self.journal.record(run.request, answers[run.request])
                trained += steps[run.request]
                if trained and later.kind not in self.console.outlook.steps:  # trained elsewhere, unwatched
                    seconds = (time.monotonic() - began) / trained * max(left.steps - trained, 0)
                    self.console.say(f"select: about {in_words(seconds)} left")
        return answers

    def _later(self, left: Remaining, runs: Sequence[Run], steps: int) -> Work:
        """The work that follows after these runs."""
        trainings = max(left.trainings - len(runs), 0)
        images = trainings * self.experiment.retrain.evaluation.samples
        return Work("retrain", max(left.steps - steps, 0), trainings, images)

    def job(self, request: Request) -> Job:
        """The training that answers a request: the whole one, which pauses at the rung."""
        genotype = self.candidates[request.genotype][1]
        folder = self.folder / genotype.content_hash / f"seed-{request.seed}"
        trial = trial_of(self.experiment, request.seed, request.step)
        return Job("retrain", trial, {"generator": genotype}, folder, request.step)

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
        self.console.say(f"{run.title}: {self.metric} {score:.4g} at step {run.job.end}")
        return score


def _require_not_beyond(job: Job, request: Request) -> None:
    """Rungs may be added after those that were reached, not before."""
    newest = job.checkpoints.latest()
    if newest and newest.meta.step > request.step:
        raise ConfigError(
            f"select.rungs: {request.step} was not scored, and {job.folder} is at step {newest.meta.step} "
            "already; use the rungs of before, later ones, or another name"
        )
