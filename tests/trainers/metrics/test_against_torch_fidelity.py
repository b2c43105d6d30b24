"""FID, IS, KID, precision and recall of the same images agree with torch-fidelity's, with one worker and with
two.

Weights are random, so the architecture, the resize, the metrics and their protocols are compared, not the
photographs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset

from tests.trainers.metrics.extractors.test_inception import checksum
from tests.trainers.metrics.stand_ins import blurs
from tests.trainers.metrics.workers import TwoWorkers
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.score_images import score_images

SAMPLES, REAL, SUBSET = 20, 12, 10
SCORES = {
    "fd_*": "frechet_inception_distance",
    "is_*_mean": "inception_score_mean",
    "is_*_std": "inception_score_std",
    "kd_*": "kernel_inception_distance_mean",
    "kd_*_std": "kernel_inception_distance_std",
    "precision_*": "precision",
    "recall_*": "recall",
}


class Pixels(Dataset):
    """Images as torch-fidelity takes them."""

    def __init__(self, pixels: torch.Tensor) -> None:
        self._pixels = pixels

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self._pixels[index]


def image_sets() -> tuple[Any, Any]:
    return blurs(SAMPLES, detail=2), blurs(REAL, detail=12)


def ours(file: Path, cache: Path, batch_size: int) -> dict[str, float]:
    config = EvaluationConfig(
        weights=file,
        weights_sha256=checksum(file),
        metrics=("fd", "is", "kd", "precision_recall"),
        kd_subset_size=SUBSET,
        batch_size=batch_size,
    )
    return dict(score_images(*image_sets(), config, cache, torch.device("cpu")).values)


@pytest.fixture(scope="module")
def theirs(inception_file: Path) -> Mapping[str, float]:
    import torch_fidelity

    images, real = image_sets()
    found: dict[str, float] = torch_fidelity.calculate_metrics(
        input1=Pixels(images.pixels),
        input2=Pixels(real.pixels),
        isc=True,
        fid=True,
        kid=True,
        prc=True,
        kid_subset_size=SUBSET,
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(inception_file),
        cuda=False,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
        batch_size=8,
    )
    name = f"inception_{checksum(inception_file)[:8]}"
    return {pattern.replace("*", name): found[key] for pattern, key in SCORES.items()}


def test_one_worker_agrees(theirs: Mapping[str, float], inception_file: Path, tmp_path: Path) -> None:
    found = ours(inception_file, tmp_path, batch_size=5)
    assert found.keys() == theirs.keys()
    assert found == pytest.approx(theirs, rel=1e-4)


def test_two_workers_agree(
    theirs: Mapping[str, float], inception_file: Path, tmp_path: Path, two_workers: TwoWorkers
) -> None:
    first, second = two_workers.run(ours, inception_file, tmp_path, 7)
    assert first == second
    assert first == pytest.approx(theirs, rel=1e-4)


def test_the_images_tell_the_metrics_apart(theirs: Mapping[str, float]) -> None:
    """Else agreement would mean nothing: distances well above rounding, more than one class."""
    values = list(theirs.values())
    distance, classes, kernel = values[0], values[1], values[3]
    assert distance > 1
    assert classes > 1.2
    assert kernel > 1e-3
