"""Wrong evaluations are refused while the configuration loads."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from trainers.metrics.config import EvaluationConfig
from trainers.metrics.protocols import PROTOCOLS, following, protocol_name


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"extractor": "vgg"}, "unknown 'vgg'; known: inception, digits, dinov2"),
        ({"extractor": "digits", "metrics": ["fid"]}, "fid is the published Inception's; write fd"),
        ({"weights_sha256": "0123456789"}, "fid is the published Inception's; write fd"),
        ({"metrics": ["kid"], "samples": 999}, "kid needs at least 1000, got 999"),
        ({"metrics": ["is"], "samples": 9}, "is needs at least 10, got 9"),
        ({"metrics": ["fid"], "samples": 1}, "fid needs at least 2, got 1"),
        ({"metrics": ["precision_recall"], "samples": 3}, "precision_recall needs at least 4, got 3"),
        ({"metrics": ["lpips"]}, "Input should be 'fid', 'fd', 'is'"),
        ({"weights_sha256": "sha"}, "weights_sha256"),
        ({"sample": 10}, "sample"),
    ],
)
def test_the_error_names_the_value_and_the_cure(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EvaluationConfig(**wrong)


def test_files_are_absolute_whatever_folder_workers_run_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert EvaluationConfig(weights=Path("inception.pth")).weights == tmp_path / "inception.pth"


def test_the_default_is_the_protocol_of_published_scores() -> None:
    assert protocol_name(EvaluationConfig(batch_size=7, every=10, metrics=("fid", "is", "kid"))) == "paper"
    assert (PROTOCOLS["paper"].samples, PROTOCOLS["paper"].metrics) == (50_000, ("fid", "is"))


@pytest.mark.parametrize("change", [{"samples": 10_000}, {"extractor": "digits", "metrics": ["fd"]}])
def test_other_values_are_no_named_protocol(change: dict[str, Any]) -> None:
    assert protocol_name(EvaluationConfig(**change)) == "custom"


def test_quick_scores_are_a_protocol_of_their_own() -> None:
    assert protocol_name(PROTOCOLS["quick"]) == "quick"


def test_a_protocol_keeps_where_things_lie(tmp_path: Path) -> None:
    own = EvaluationConfig(samples=7000, weights=tmp_path / "w.pth", batch_size=9, seed=3, metrics=("is",))
    found = following("quick", own)
    assert (found.samples, found.metrics) == (5_000, ("kid",))
    assert (found.weights, found.batch_size, found.seed) == (own.weights, 9, 3)
