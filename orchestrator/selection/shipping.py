"""What a selection leaves of its trainings: generators, images, a front of score and size."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from orchestrator.artifacts.cost import generator_parameters, pareto_front
from orchestrator.artifacts.generators import GENERATOR_FILE
from orchestrator.checkpoints.store import Checkpoint
from orchestrator.plots.images import image_grid
from orchestrator.selection.live import LiveCurves, Run
from orchestrator.selection.result import Request, Selection
from orchestrator.stages.train import SAMPLES_FILE
from orchestrator.tracking import TrackedRun
from search_space.networks.generator_file import load_generator, save_generator
from trainers.files import written_whole
from trainers.samples import sample_grid


@dataclass(frozen=True)
class Shipped:
    """The finished generator of a selection's best run."""

    seed: int
    generator: Path
    generator_step: int
    samples: Path
    checkpoint: Path


def ship(live: LiveCurves, best: Request, run: TrackedRun) -> Shipped:
    """The averaged generator of the best run, and images of it."""
    job = live.job(best)
    checkpoint = _finished(live, best)
    file, config = live.folder / GENERATOR_FILE, job.experiment.retrain.generator
    with written_whole(file) as whole:
        save_generator(whole, config, job.genotypes["generator"], checkpoint.state()["ema_generator"])
    network, _ = load_generator(file)
    images = sample_grid(network, config.latent_dim, best.seed, torch.device("cpu"))
    samples = live.folder / SAMPLES_FILE
    samples.write_bytes(image_grid(images))
    for left in (file, samples):
        run.artifact(left.name, left.read_bytes())
    run.tag({"advnas.seed": str(best.seed), "advnas.generator.step": str(checkpoint.meta.step)})
    return Shipped(best.seed, file, checkpoint.meta.step, samples, checkpoint.folder)


def _finished(live: LiveCurves, best: Request) -> Checkpoint:
    """The end of a training: where only scores survived, its copy, or the same bits trained once more."""
    job = live.job(best)
    if job.mirror and job.checkpoints.latest() is None:
        job.mirror.fetch()
    checkpoint = job.checkpoints.latest()
    if checkpoint is None or checkpoint.meta.step < best.step:
        for _ in live.train([Run(best, f"select: {live.candidates[best.genotype][0]} once more", job)]):
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
    """Leave each run's averaged generator as of its last rung, in the run's folder.

    Checkpoints of candidates that an earlier rung cut are deleted: they hold optimizers and both networks. If
    other rungs should want them to go on, they are trained again from the start, to the same weights.
    """
    for ranked in selection.ranking:
        for seed in ranked.seeds:
            job = live.job(Request(ranked.genotype, seed, ranked.step))
            checkpoint = job.checkpoints.latest()
            if checkpoint is None:  # deleted when this selection was done the first time
                continue
            file, config = job.folder / GENERATOR_FILE, job.experiment.retrain.generator
            with written_whole(file) as whole:
                save_generator(whole, config, job.genotypes["generator"], checkpoint.state()["ema_generator"])
            if ranked.step < selection.rungs[-1].step:
                job.checkpoints.clear()
