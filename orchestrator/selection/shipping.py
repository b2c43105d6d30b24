"""The files that a selection keeps of its trainings: generators, images, a front of score and size."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.artifacts.cost import generator_parameters, pareto_front
from orchestrator.artifacts.generators import GENERATOR_FILE
from orchestrator.checkpoints.store import Checkpoint
from orchestrator.selection.live import LiveCurves, Run
from orchestrator.selection.result import Request, Selection
from orchestrator.stages.train import SAMPLES_FILE, save_best_generator, save_samples
from orchestrator.tracking import TrackedRun


@dataclass(frozen=True)
class Shipped:
    """The finished generator of a selection's best run."""

    seed: int
    generator: Path
    """Generator of the run's best checkpoint, as of a retraining. Candidates are compared by their last
    scores."""
    generator_step: int
    generator_score: Mapping[str, float]
    """The score at that step."""
    samples: Path
    checkpoint: Path


def ship(live: LiveCurves, best: Request, run: TrackedRun) -> Shipped:
    """The averaged generator of the best run, and images of it."""
    job = live.job(best)
    checkpoint = _finished(live, best)
    file = live.folder / GENERATOR_FILE
    saved = save_best_generator(job, file)
    score = job.score(saved)
    samples = live.folder / SAMPLES_FILE
    save_samples(file, best.seed, samples)
    for left in (file, samples):
        run.artifact(left.name, left.read_bytes())
    run.tag({"advnas.seed": str(best.seed), "advnas.generator.step": str(saved.step)})
    scored = {score.name: score.value} if score else {}
    return Shipped(best.seed, file, saved.step, scored, samples, checkpoint.folder)


def _finished(live: LiveCurves, best: Request) -> Checkpoint:
    """The end of a training: where only scores survived, its copy, or the same bits trained once more.

    It pauses where it did before, to be scored there again: the best checkpoint is among those.
    """
    job = live.job(best)
    if job.copy and job.checkpoints.latest() is None:
        job.copy.fetch()
    checkpoint = job.checkpoints.latest()
    reached = checkpoint.meta.step if checkpoint else 0
    title = f"select: {live.candidates[best.genotype][0]} once more"
    for pause in sorted(request for request in live.journal.known if request[:2] == best[:2]):
        if reached < pause.step <= best.step:
            for _ in live.train([Run(pause, title, live.job(pause))]):
                checkpoint = job.checkpoints.latest()
    assert checkpoint is not None, "a finished training has a checkpoint"
    return checkpoint


def front(selection: Selection, live: LiveCurves) -> Mapping[str, Mapping[str, float | None]]:
    """The candidates trained furthest that no other beats in score or size without losing in the other."""
    config = live.experiment.retrain.generator
    furthest = selection.config.steps[-1]
    points = {
        each.genotype: (each.mean, generator_parameters(config, live.candidates[each.genotype][1]))
        for each in selection.ranking
        if each.step == furthest and each.is_sound and each.mean is not None
    }
    front = pareto_front(points, selection.config.lower_is_better)
    return {live.candidates[id][0]: {live.metric: points[id][0], "parameters": points[id][1]} for id in front}


def keep_generators(live: LiveCurves, selection: Selection) -> None:
    """Leave each run's averaged generator of its best rung, in the run's folder.

    Checkpoints of candidates that an earlier rung cut are deleted: they hold optimizers and both networks. If
    other rungs should want them to go on, they are trained again from the start, to the same weights.
    """
    for ranked in selection.ranking:
        for seed in ranked.seeds:
            job = live.job(Request(ranked.genotype, seed, ranked.step))
            if job.checkpoints.latest() is None:  # deleted when this selection was done the first time
                continue
            save_best_generator(job, job.folder / GENERATOR_FILE)
            if ranked.step < selection.rungs[-1].step:
                job.clear_checkpoints()
