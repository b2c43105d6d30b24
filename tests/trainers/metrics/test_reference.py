"""Statistics of a file serve only if they are of the same images and extractor."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainers.metrics.stand_ins import blurs, projection
from trainers.metrics.errors import ScoreError, StatisticsError
from trainers.metrics.moments import Statistics
from trainers.metrics.reference import Reference
from trainers.metrics.reference_features import ReferenceFeatures
from trainers.metrics.statistics_file import save_statistics

EXTRACTOR = projection()


@pytest.fixture
def seen(tmp_path: Path) -> ReferenceFeatures:
    return ReferenceFeatures(blurs(40, detail=2, size=4, channels=1), EXTRACTOR, tmp_path / "cache", 16)


@pytest.fixture
def exported(seen: ReferenceFeatures, tmp_path: Path) -> Path:
    save_statistics(tmp_path / "exported.npz", seen.statistics(), seen.origin)
    return tmp_path / "exported.npz"


def foreign(statistics: Statistics, file: Path) -> Path:
    """As another tool writes them: of unknown origin."""
    np.savez(file, mu=statistics.mu.numpy(), sigma=statistics.sigma.numpy())
    return file


def other_images(seen: ReferenceFeatures) -> ReferenceFeatures:
    return replace(seen, images=blurs(40, detail=3, size=4, channels=1))


def test_our_own_export_is_taken_at_its_word(seen: ReferenceFeatures, exported: Path) -> None:
    torch.testing.assert_close(Reference(EXTRACTOR, seen, exported).statistics(), seen.statistics())
    assert Reference(EXTRACTOR, None, exported).content_hash == seen.images.content_hash


def test_statistics_of_other_images_are_refused(seen: ReferenceFeatures, exported: Path) -> None:
    with pytest.raises(StatisticsError, match="of other images"):
        Reference(EXTRACTOR, other_images(seen), exported).statistics()


def test_statistics_of_another_extractor_are_refused(exported: Path) -> None:
    for other, word in (
        (replace(EXTRACTOR, name="eye"), "extractor"),
        (replace(EXTRACTOR, weights="0"), "weights"),
    ):
        with pytest.raises(StatisticsError, match=f"of other {word}"):
            Reference(other, None, exported).statistics()


def test_statistics_of_another_width_are_refused(tmp_path: Path) -> None:
    file = foreign(Statistics(torch.zeros(9).double(), torch.eye(9).double()), tmp_path / "wide.npz")
    with pytest.raises(StatisticsError, match=r"wide.npz: 9 features, but extractor projection has 6"):
        Reference(EXTRACTOR, None, file).statistics()


def test_statistics_of_unknown_origin_are_checked_against_the_images(
    seen: ReferenceFeatures, tmp_path: Path
) -> None:
    same = foreign(seen.statistics(), tmp_path / "same.npz")
    assert Reference(EXTRACTOR, seen, same).statistics().mu.shape == (6,)
    with pytest.raises(StatisticsError, match="is of other images: its distance"):
        Reference(EXTRACTOR, other_images(seen), same).statistics()


def test_statistics_of_unknown_origin_serve_where_there_are_no_images(
    seen: ReferenceFeatures, tmp_path: Path
) -> None:
    alone = Reference(EXTRACTOR, None, foreign(seen.statistics(), tmp_path / "same.npz"))
    torch.testing.assert_close(alone.statistics(), seen.statistics())
    assert alone.content_hash not in ("none", seen.images.content_hash)


def test_without_images_there_are_no_features(exported: Path) -> None:
    with pytest.raises(ScoreError, match="need real images"):
        Reference(EXTRACTOR, None, exported).features()
    with pytest.raises(ScoreError, match=r"needs real images or retrain\.evaluation\.statistics"):
        Reference(EXTRACTOR).statistics()
