"""One trial, in a process that Ray Tune has placed: search, derive, retrain and score, seed after seed.

Intermediate values are means over seeds too: those done with their last score, the one under way with its
newest. Trials are compared after equally many evaluations, so after the same seeds.
"""

import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.artifacts.genotypes import with_named_discriminator
from orchestrator.checkpoints.object_store import MirrorError
from orchestrator.checkpoints.stored_folder import copy_of
from orchestrator.cluster.launch import launch
from orchestrator.config.experiment import Experiment
from orchestrator.jobs.job import Job
from orchestrator.sweep.config import LATENCY, MULTIPLY_ADDS, PARAMETERS, Sweep, known_metrics, values
from orchestrator.sweep.run_folder import RunFolder, seed_folder, trial_folder
from orchestrator.sweep.space import Params
from orchestrator.sweep.stored import alone_with
from orchestrator.sweep.validation import evaluations
from search_space.errors import one_line
from search_space.genotype import Genotype
from trainers.files import is_disk_full
from trainers.report import Report

EVALUATIONS = "evaluations"
"""Key of a message: how many the trial has come to. The others are the objectives by their metrics."""
DONE, FAILED, ENDS = "complete", "failed", "ends"
"""Keys of a trial's last message: scores of every seed, why there are none, or what ends the sweep with its
cure: a full disk, or one that machines do not share, is no failure of a configuration."""

FAILURE_FILE = "failure.txt"
"""Traceback of a trial that failed, in its folder."""
LONGEST_REASON = 300

Scores = Mapping[str, float]
Send = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Trial:
    """A configuration to be run with all of the sweep's seeds."""

    sweep: Sweep
    folder: Path
    """Folder of the sweep."""
    params: Params

    def __reduce__(self) -> tuple[Callable[..., "Trial"], tuple[Any, ...]]:
        """One that is sent to another machine is there in that machine's folder of the root."""
        base = self.sweep.base
        folder = self.folder.relative_to(base.folder) if base.object_store else self.folder
        return _arrived, (self.sweep, folder, self.params)


def _arrived(sweep: Sweep, folder: Path, params: Params) -> Trial:
    return Trial(sweep, sweep.base.folder / folder, params)


def run_trial(trial: Trial, send: Send) -> None:
    """Do a trial, going on where it stopped; its last message says how it ended, whatever happened."""
    import torch

    folder = trial_folder(trial.folder, trial.params)
    # Sums over threads round differently: a resumed run needs as many as before, wherever it lands.
    torch.set_num_threads(max(1, int(trial.sweep.base.cluster.cpus_per_worker)))
    try:
        with alone_with(trial.sweep.base, folder) as send_notes:
            runs: list[Mapping[str, float]] = []
            for seed in range(trial.sweep.config.seeds):
                runs.append(_run(trial, seed, runs, send, send_notes))
    except MirrorError as error:
        send({ENDS: str(error)})
        return
    # Whatever it is, the sweep goes on: a user's mistake, a loss that is not finite, no memory left, a bug.
    except Exception as error:
        if is_disk_full(error):
            send({ENDS: f"{_reason(error)}; free some space"})
            return
        (folder / FAILURE_FILE).write_text(traceback.format_exc(), encoding="utf-8")
        if copy := copy_of(trial.sweep.base, folder):
            copy.send_files(FAILURE_FILE)
        send({FAILED: _reason(error)})
        return
    objectives = _objectives(trial.sweep, runs)
    if not all(map(math.isfinite, objectives.values())):
        send({FAILED: f"scores are not finite: {objectives}"})
    else:
        last = len(runs) * evaluations(trial.sweep.experiment(trial.params, 0).retrain)
        send({**objectives, EVALUATIONS: last, DONE: runs})


def _run(
    trial: Trial, seed: int, before: Sequence[Scores], send: Send, send_notes: Callable[[], None]
) -> Scores:
    """Scores of one seed; `before` are those of the seeds that came before."""
    folder = RunFolder(seed_folder(trial_folder(trial.folder, trial.params), seed))
    if (result := folder.result()) is not None:
        return dict(result["scores"])
    began = time.monotonic()
    experiment = trial.sweep.experiment(trial.params, seed)
    genotypes = _search(experiment, folder, send_notes)
    recorded = folder.file("retrain")
    recorded.begin()
    retraining = Job("retrain", experiment, genotypes, folder.path / "retrain")
    costs = generator_costs(experiment, genotypes["generator"])
    done = len(before) * evaluations(experiment.retrain)

    def emit(report: Report) -> None:
        recorded.append(report)
        send_notes()
        if scores := _scores(trial.sweep, report.metrics):
            number = done + evaluations(experiment.retrain, report.step)
            send({**_objectives(trial.sweep, [*before, {**scores, **costs}]), EVALUATIONS: number})

    outcome = launch(retraining, emit)
    result = {
        "scores": {**_scores(trial.sweep, outcome.metrics), **costs},
        "protocol": dict(outcome.protocol),
        "genotype": genotypes["generator"].content_hash,
        "seed": experiment.seed,
        "seconds": time.monotonic() - began,
    }
    folder.finish(result)
    send_notes()
    return result["scores"]


def _search(
    experiment: Experiment, folder: RunFolder, send_notes: Callable[[], None]
) -> Mapping[str, Genotype]:
    """What the search derives of the networks that are retrained."""
    job = Job("search", experiment, {}, folder.path / "search")
    recorded = folder.file("search")
    recorded.begin()

    def emit(report: Report) -> None:
        recorded.append(report)
        send_notes()

    found = launch(job, emit).genotypes
    if experiment.retrain.discriminator.architecture == "derived":
        return found
    return with_named_discriminator(experiment, {"generator": found["generator"]})


def generator_costs(experiment: Experiment, genotype: Genotype) -> Scores:
    """What the generator that is retrained costs, by the objectives' names."""
    import torch

    from search_space.cost import cost
    from search_space.networks.generator import derived_generator

    config = experiment.retrain.generator
    found = cost(derived_generator(config, genotype).eval(), torch.zeros(1, config.latent_dim))
    return {
        PARAMETERS: float(found.parameters),
        MULTIPLY_ADDS: float(found.multiply_adds),
        LATENCY: found.seconds,
    }


def _scores(sweep: Sweep, metrics: Scores) -> Scores:
    """The scores of a report, empty if it was not scored; a supernet's scores never count."""
    known = known_metrics(sweep.base.retrain.evaluation)
    return {name: value for name, value in metrics.items() if name in known}


def _objectives(sweep: Sweep, runs: Sequence[Scores]) -> dict[str, float]:
    metrics = [objective.metric for objective in sweep.config.objective]
    return dict(zip(metrics, values(sweep.config.objective, runs), strict=True))


def _reason(error: Exception) -> str:
    """One line, beginning with the kind of error."""
    return f"{type(error).__name__}: {one_line(error)}"[:LONGEST_REASON]
