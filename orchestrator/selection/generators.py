"""What trained candidates leave: their generators, and checkpoints only of those that may still go on."""

from orchestrator.artifacts.generators import GENERATOR_FILE
from orchestrator.selection.live import LiveCurves
from orchestrator.selection.result import Selection
from orchestrator.selection.source import Request
from search_space.generator_file import save_generator


def keep_generators(live: LiveCurves, selection: Selection) -> None:
    """Leave each run's averaged generator as of its last rung, in the run's folder.

    Checkpoints of candidates that an earlier rung cut are deleted: they hold optimizers and both networks. If
    other rungs should want them to go on, they are trained again from the start, to the same weights.
    """
    for standing in selection.ranking:
        for seed in standing.seeds:
            job = live.job(Request(standing.genotype, seed, standing.step))
            checkpoint = job.checkpoints.latest()
            if checkpoint is None:  # deleted when this selection was done the first time
                continue
            file, config = job.folder / GENERATOR_FILE, job.experiment.retrain.generator
            save_generator(file, config, job.genotypes["generator"], checkpoint.state()["ema_generator"])
            if standing.step < selection.rungs[-1].step:
                job.checkpoints.clear()
