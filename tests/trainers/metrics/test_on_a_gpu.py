"""Scores on a pretended GPU, whose process group has no backend for the processor, as NCCL has none."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.pretended_gpu import GPU, DeviceMismatch, pretended_gpu
from tests.trainers.metrics.stand_ins import blurs, projection
from tests.trainers.metrics.workers import TwoWorkers
from trainers.distributed import average, from_rank_zero, rank
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.evaluator import Evaluator
from trainers.metrics.extractors.registry import EXTRACTORS
from trainers.metrics.specs import METRIC_SPECS
from trainers.strategies.inherited import log_score

CPU = torch.device("cpu")
OF_IMAGES = tuple(name for name, spec in METRIC_SPECS.items() if spec.make and name not in ("fid", "kid"))
CONFIG = EvaluationConfig(samples=20, batch_size=6, extractor="digits", metrics=OF_IMAGES, kd_subset_size=8)


@pytest.fixture(autouse=True)
def quick(unchecked_shapes: None) -> None:
    """Every operation passes through Python as it is."""


def blobs(latents: Tensor) -> Tensor:
    """A generator of 1 x 4 x 4 images."""
    return latents.unflatten(1, (1, 4, 4)).tanh()


def scores(folder: Path, device: torch.device) -> dict[str, float]:
    """All kinds of score; references are made in the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EXTRACTORS, "digits", lambda *_: projection("digits"))
        evaluator = Evaluator(CONFIG, blurs(30, detail=2, size=4, channels=1), folder, device)
        found = dict(evaluator(blobs, latent_dim=16))
        return {**found, "log_score": log_score(lambda sample: evaluator(sample, 16), blobs)}


def scores_on_the_gpu(folder: Path) -> dict[str, float]:
    """The same on the pretended GPU."""
    with pretended_gpu():
        return scores(folder, GPU)


def sent_from_the_processor(_: Path) -> str:
    """What happens to a tensor of the processor in such a process group."""
    with pretended_gpu(), pytest.raises(DeviceMismatch) as caught:
        average([torch.ones(2)])
    return str(caught.value)


def exchanged_on_the_gpu(_: Path) -> tuple[list[float], str]:
    """A mean over the workers, and what the first one says."""
    with pretended_gpu():
        own = torch.full((2,), float(rank()), device=GPU)
        average([own])
        return own.tolist(), from_rank_zero(lambda: f"from {rank()}")


def test_every_score_is_the_processors(tmp_path: Path) -> None:
    expected = scores(tmp_path / "cpu", CPU)
    assert {name.partition("_")[0] for name in expected} >= {"fd", "is", "kd", "precision", "recall"}
    assert scores_on_the_gpu(tmp_path / "gpu") == pytest.approx(expected, rel=1e-6)


def test_two_gpus_score_what_one_processor_does(tmp_path: Path, two_workers: TwoWorkers) -> None:
    found = two_workers.run(scores_on_the_gpu, tmp_path / "gpu")
    assert not isinstance(found[0], str), found[0]
    assert found[0] == found[1]
    assert found[0] == pytest.approx(scores(tmp_path / "cpu", CPU), rel=1e-5)


def test_such_a_group_takes_nothing_of_the_processor(tmp_path: Path, two_workers: TwoWorkers) -> None:
    assert two_workers.run(exchanged_on_the_gpu, tmp_path) == [([0.5, 0.5], "from 0")] * 2
    message = "c10d::allreduce_: the process group takes tensors of the GPU only"
    assert two_workers.run(sent_from_the_processor, tmp_path) == [message] * 2
