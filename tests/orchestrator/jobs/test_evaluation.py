"""When a training is scored."""

from pathlib import Path
from typing import Any

import pytest
import torch

from orchestrator.jobs.worker import Evaluation
from tests.orchestrator.tiny_jobs import tiny_job

CPU = torch.device("cpu")


class FakeEvaluator:
    """Scores everything 7."""

    def __init__(self, *_: Any) -> None:
        self.protocol = {"extractor": "fake"}

    def __call__(self, _sample: object, latent_dim: int) -> dict[str, float]:
        assert latent_dim == 120
        return {"fd_fake": 7.0}


def scored_at(root: Path, steps: int, report_every: int, every: int) -> list[int]:
    """The reported steps at which there are scores."""
    options = {
        "search__steps": steps,
        "search__report_every": report_every,
        "search__evaluation__every": every,
    }
    evaluation = Evaluation(tiny_job(root, **options), None, CPU)  # type: ignore[arg-type]
    reported = sorted({*range(report_every, steps + 1, report_every), steps})
    return [step for step in reported if evaluation(step, lambda latents: latents)]


@pytest.mark.parametrize(
    ("steps", "report_every", "every", "expected"),
    [
        (100, 10, 50, [50, 100]),
        (105, 10, 50, [50, 100, 105]),
        (100, 50, 10, [50, 100]),
        # 25 and 75 are not reported: the next reports after them are scored.
        (100, 10, 25, [30, 50, 80, 100]),
        (20, 10, 50, [20]),
    ],
)
def test_scores_are_due_at_the_first_report_of_every_period_and_at_the_end(
    steps: int,
    report_every: int,
    every: int,
    expected: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrator.jobs.worker.Evaluator", FakeEvaluator)
    assert scored_at(tmp_path, steps, report_every, every) == expected


def test_where_nothing_is_scored_no_extractor_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.jobs.worker.Evaluator", None)
    evaluation = Evaluation(tiny_job(tmp_path), None, CPU)  # type: ignore[arg-type]
    assert evaluation(1, lambda latents: latents) == {}
    assert evaluation.protocol == {}
