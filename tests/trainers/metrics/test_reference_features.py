"""Features and statistics of real images are made once."""

from pathlib import Path

import torch

from tests.trainers.metrics.stand_ins import blurs, projection
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.extractors.extractor import Extractor
from trainers.metrics.reference import Reference
from trainers.metrics.reference_features import ReferenceFeatures
from trainers.metrics.scoring import Scorer

IMAGES = blurs(30, detail=2, size=4, channels=1)


def seen(cache: Path, batch_size: int = 7, extractor: Extractor | None = None) -> ReferenceFeatures:
    return ReferenceFeatures(IMAGES, extractor or projection(), cache, batch_size)


def test_statistics_are_those_of_the_features(tmp_path: Path) -> None:
    features = projection()(IMAGES.pixels)[0].double()
    mu, sigma = seen(tmp_path).statistics()
    torch.testing.assert_close(mu, features.mean(0), rtol=1e-6, atol=0)
    torch.testing.assert_close(sigma, features.T.cov(), rtol=1e-5, atol=1e-6)


def test_features_are_those_of_the_images_in_their_order(tmp_path: Path) -> None:
    torch.testing.assert_close(seen(tmp_path).features(), projection()(IMAGES.pixels)[0])


def test_the_second_time_no_image_is_looked_at(tmp_path: Path) -> None:
    first = seen(tmp_path)
    statistics, features = first.statistics(), first.features()
    blind = projection()
    with torch.no_grad():
        next(blind.network.parameters()).fill_(torch.nan)
    again = seen(tmp_path, extractor=blind)
    torch.testing.assert_close(again.statistics(), statistics, rtol=0, atol=0)
    assert torch.equal(again.features(), features)


def test_another_extractor_or_other_images_share_no_file(tmp_path: Path) -> None:
    seen(tmp_path).statistics()
    seen(tmp_path, extractor=projection("other")).statistics()
    ReferenceFeatures(blurs(30, detail=3, size=4, channels=1), projection(), tmp_path, 7).statistics()
    assert len(list(tmp_path.glob("statistics-*.npz"))) == 3


def test_statistics_are_made_of_features_that_are_kept(tmp_path: Path) -> None:
    direct = seen(tmp_path / "direct").statistics()
    seen(tmp_path).features()
    looks: list[object] = []
    extractor = projection()
    extractor.network.register_forward_hook(lambda *_: looks.append(None))
    torch.testing.assert_close(seen(tmp_path, 11, extractor).statistics(), direct)
    assert not looks


def test_all_metrics_together_look_at_a_real_image_once(tmp_path: Path) -> None:
    sizes: list[int] = []
    extractor = projection()
    extractor.network.register_forward_hook(lambda _, inputs, __: sizes.append(len(inputs[0])))
    config = EvaluationConfig(
        samples=20, extractor="digits", metrics=("fd", "kd", "precision_recall"), kd_subset_size=10
    )
    Scorer(config, Reference(extractor, ReferenceFeatures(IMAGES, extractor, tmp_path, 7)))
    assert sum(sizes) == len(IMAGES)
