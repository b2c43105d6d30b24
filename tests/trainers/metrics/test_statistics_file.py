"""Statistics can be exchanged with other tools."""

from pathlib import Path

import numpy as np
import pytest
import torch

from trainers.metrics.errors import StatisticsError
from trainers.metrics.moments import Statistics
from trainers.metrics.statistics_file import Origin, content_hash, load_statistics, save_statistics

STATISTICS = Statistics(torch.tensor([1.0, 2]).double(), torch.tensor([[2.0, 1], [1, 3]]).double())
ORIGIN = Origin("inception", "6726825d", "tensorflow1-bilinear-299", "abc")


def test_what_is_written_is_read_back_with_its_origin(tmp_path: Path) -> None:
    save_statistics(tmp_path / "statistics.npz", STATISTICS, ORIGIN)
    statistics, origin = load_statistics(tmp_path / "statistics.npz")
    assert origin == ORIGIN
    assert content_hash(statistics) == content_hash(STATISTICS)


def test_other_tools_find_mu_and_sigma(tmp_path: Path) -> None:
    save_statistics(tmp_path / "statistics", STATISTICS, ORIGIN)
    with np.load(tmp_path / "statistics", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["mu"], [1, 2])
        np.testing.assert_array_equal(arrays["sigma"], [[2, 1], [1, 3]])


def test_files_of_other_tools_have_no_origin(tmp_path: Path) -> None:
    np.savez(tmp_path / "fid_stats.npz", mu=np.float32([0, 1]), sigma=np.eye(2, dtype=np.float32))
    statistics, origin = load_statistics(tmp_path / "fid_stats.npz")
    assert origin is None
    assert statistics.sigma.dtype == torch.float64


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mu": np.zeros(2)}, "not an .npz file of mu and sigma"),
        ({"mu": np.zeros(2), "sigma": np.zeros((3, 3))}, r"mu has shape \[2\] and sigma \[3, 3\]"),
        ({"mu": np.array([0, np.nan]), "sigma": np.eye(2)}, "NaN or infinite"),
        ({"mu": np.array([{}]), "sigma": np.eye(1)}, "not an .npz file"),
    ],
)
def test_files_that_hold_no_statistics_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "wrong.npz", **arrays)
    with pytest.raises(StatisticsError, match=message):
        load_statistics(tmp_path / "wrong.npz")


def test_files_that_are_no_npz_or_absent_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("not an archive")
    for name in ("text.npz", "absent.npz"):
        with pytest.raises(StatisticsError, match=name):
            load_statistics(tmp_path / name)
