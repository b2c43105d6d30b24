"""The costs of a retraining, measured on a few steps and scores of any genotype before the search begins."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from orchestrator.jobs.job import Job
from orchestrator.jobs.training import retraining
from search_space.networks.generator import to_uint8
from trainers.datasets.images import Images
from trainers.guarded_step import NonFiniteLoss
from trainers.metrics.extractors.registry import make_extractor
from trainers.retrain_state import RetrainState
from trainers.ticks import watched_by

STEPS, SECONDS = 40, 2.0
"""The most steps and, after the second, the most seconds that are spent on them."""
IMAGES = 16


@dataclass(frozen=True)
class RetrainingCosts:
    """Seconds of a retraining's parts."""

    step: float
    image: float | None
    """Seconds of an image that is generated and scored; None if none is."""


class _Enough(Exception):
    """The loop has been watched long enough."""


def probe(job: Job, device: torch.device) -> RetrainingCosts | None:
    """Measure a retraining in this process; None where workers do it, or where it is compiled first.

    No random number of the run depends on it, and nothing is left behind.
    """
    if job.experiment.cluster.num_workers or job.experiment.compute.compile:
        return None
    training = retraining(_short(job), device)
    times: list[float] = []
    watcher = _until_known(times, job.experiment.retrain.n_critic, device)
    with watched_by(watcher), suppress(_Enough, NonFiniteLoss):
        for _ in training.reports(_noise(job), lambda _step, _sample: {}):
            pass
    if len(times) < 2:
        return None
    assert isinstance(training.state, RetrainState)
    image = _image_seconds(job, training.state, device) if job.images_after(0) else None
    return RetrainingCosts((times[-1] - times[0]) / (len(times) - 1), image)


def _short(job: Job) -> Job:
    """A training that ends before its first report."""
    retrain = job.experiment.retrain.model_copy(update={"steps": STEPS, "report_every": STEPS})
    return replace(job, experiment=job.experiment.model_copy(update={"retrain": retrain}))


def _until_known(times: list[float], n_critic: int, device: torch.device) -> Callable[[int], None]:
    """Writes down when steps are done; whole rounds of D's and G's updates are enough."""

    def ticked(_step: int) -> None:
        _wait_for(device)
        times.append(time.perf_counter())
        whole = len(times) > 1 and (len(times) - 1) % n_critic == 0
        if whole and (times[-1] - times[0] > SECONDS or len(times) + n_critic > STEPS):
            raise _Enough

    return ticked


def _noise(job: Job) -> Images:
    """A batch of images that are none."""
    data, random = job.experiment.data, torch.Generator().manual_seed(0)
    shape = (job.config.batch_size, int(data.channels), data.image_size, data.image_size)
    return Images(torch.randint(256, shape, generator=random, dtype=torch.uint8), None, "noise")


def _image_seconds(job: Job, state: RetrainState, device: torch.device) -> float:
    extractor = make_extractor(job.config.evaluation, job.cache, device)
    generator = state.ema_generator.eval()
    latents = torch.zeros(IMAGES, job.config.generator.latent_dim, device=device)
    for _ in range(2):  # the first time, memory is taken
        began = time.perf_counter()
        with torch.no_grad():
            extractor(to_uint8(generator(latents).float().clamp(-1, 1)))
        _wait_for(device)
    return (time.perf_counter() - began) / IMAGES


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
