"""A generator's scores depend on the generator alone."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.trainers.metrics.stand_ins import blurs, projection
from tests.trainers.metrics.workers import TwoWorkers
from trainers.datasets.config import DigitsConfig
from trainers.datasets.digits import load_digits
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import ScoreError
from trainers.metrics.evaluator import Evaluator
from trainers.metrics.extractors.registry import EXTRACTORS
from trainers.metrics.score_images import write_statistics

CPU = torch.device("cpu")
NAMES = ["fd_digits", "is_digits_mean", "is_digits_std", "kd_digits", "kd_digits_std", "precision_digits"]


def noisy_digits(latents: Tensor) -> Tensor:
    """A generator: digits picked by the first latent and blurred by the others."""
    digits = load_digits(DigitsConfig()).pixels
    clean = digits[(latents[:, 0].abs() * 1000).long() % len(digits)] / 127.5 - 1
    return (clean + 0.05 * latents[:, 1:2, None, None]).clamp(-1, 1)


def scores(cache: Path, batch_size: int, **changes: object) -> dict[str, float]:
    config = EvaluationConfig(
        samples=90,
        batch_size=batch_size,
        extractor="digits",
        metrics=("fd", "is", "kd", "precision_recall"),
        kd_subset_size=50,
    ).model_copy(update=changes)
    evaluator = Evaluator(config, load_digits(DigitsConfig()), cache, CPU)
    first = dict(evaluator(noisy_digits, latent_dim=2))
    assert evaluator(noisy_digits, latent_dim=2) == first, "an evaluation leaves something behind"
    return first


def test_every_score_carries_the_extractors_name(cache: Path) -> None:
    assert list(scores(cache, 90)) == [*NAMES, "recall_digits"]


def test_digits_score_as_digits(cache: Path) -> None:
    found = scores(cache, 90)
    assert 0 <= found["fd_digits"] < 60
    assert 5 < found["is_digits_mean"] <= 9
    assert found["precision_digits"] > 0.7


def test_batch_size_does_not_change_scores(cache: Path) -> None:
    assert scores(cache, 7) == pytest.approx(scores(cache, 90), rel=1e-5)


def test_two_workers_score_what_one_does(cache: Path, tmp_path: Path, two_workers: TwoWorkers) -> None:
    one, results = scores(cache, 32), two_workers.run(scores, cache, 20)
    assert results[0] == results[1]
    assert results[0] == pytest.approx(one, rel=1e-5)
    (classifier,) = cache.glob("digits-classifier-*.pt")
    shutil.copy(classifier, tmp_path)
    made_by_two = two_workers.run(scores, tmp_path, 20)  # statistics and features of the real digits too
    assert made_by_two[0] == pytest.approx(one, rel=1e-5)
    assert len(list(tmp_path.iterdir())) == 3


def test_latents_depend_on_the_seed(cache: Path) -> None:
    assert scores(cache, 90, seed=1)["fd_digits"] != scores(cache, 90)["fd_digits"]


def test_pixels_are_truncated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """x 127.5 + 127.5 without rounding: 0.999 becomes 254 where rounding would give 255."""
    seen: list[Tensor] = []
    extractor = projection()
    extractor.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    monkeypatch.setitem(EXTRACTORS, "digits", lambda *_: extractor)
    values = torch.tensor([-1, -0.999, 0, 0.00392, 0.004, 0.999, 1, 0.5, -0.5, 0.25])
    config = EvaluationConfig(samples=10, extractor="digits", metrics=("is",))
    evaluator = Evaluator(config, blurs(20, detail=2, size=4, channels=1), tmp_path, CPU)
    evaluator(lambda latents: values[: len(latents), None, None, None].expand(-1, 1, 4, 4), latent_dim=1)
    assert torch.cat(seen)[:, 0, 0, 0].tolist() == [0, 0, 127, 127, 128, 254, 255, 191, 63, 159]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(1, 8, 8), r"generated images are \[1, 8, 8\], the real ones \[1, 16, 16\]"),
        (torch.full((1, 16, 16), 255.0), r"must lie in \[-1, 1\], found \[255, 255\]"),
        (torch.full((1, 16, 16), torch.nan), "values that are not finite: its training has diverged"),
    ],
)
def test_images_of_another_size_or_range_are_refused(cache: Path, image: Tensor, message: str) -> None:
    config = EvaluationConfig(samples=10, extractor="digits", metrics=("fd",))
    evaluator = Evaluator(config, load_digits(DigitsConfig()), cache, CPU)
    with pytest.raises(ScoreError, match=message):
        evaluator(lambda latents: image.repeat(len(latents), 1, 1, 1), latent_dim=1)


def test_the_protocol_tells_what_a_score_is_of(cache: Path) -> None:
    config = EvaluationConfig(samples=10, extractor="digits", metrics=("fd",), seed=3)
    images = load_digits(DigitsConfig())
    found = Evaluator(config, images, cache, CPU, "raw").protocol
    assert found["reference"] == images.content_hash
    assert found["source"] == "raw generator, seed 3"
    assert (found["extractor"], found["samples"]) == ("digits", "10")
    assert Evaluator(config, images, cache, CPU).protocol != found


def test_statistics_alone_are_enough_for_what_needs_no_single_images(cache: Path, tmp_path: Path) -> None:
    file, images = tmp_path / "digits.npz", load_digits(DigitsConfig())
    config = EvaluationConfig(samples=10, extractor="digits", metrics=("fd", "is"))
    write_statistics(file, images, config, cache, CPU)
    without = Evaluator(config.model_copy(update={"statistics": file}), None, cache, CPU)
    beside = Evaluator(config, images, cache, CPU)
    assert without(noisy_digits, latent_dim=2) == pytest.approx(beside(noisy_digits, latent_dim=2))
    assert without.protocol == beside.protocol
    with pytest.raises(ScoreError, match="need real images, not statistics"):
        Evaluator(config.model_copy(update={"metrics": ("precision_recall",)}), None, cache, CPU)
