"""The score that decides which checkpoint is the best, and what of it a training keeps."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.checkpoints.store import CheckpointMeta
from orchestrator.cluster.launch import launch
from orchestrator.jobs.job import score
from tests.orchestrator.tiny_jobs import Recorder, tiny_job

NAN = float("nan")


def meta(metrics: Mapping[str, float], extractor: str | None) -> CheckpointMeta:
    protocol = {"extractor": extractor} if extractor else {}
    return CheckpointMeta(step=1, identity={}, images="f00d", protocol=protocol, metrics=dict(metrics))


@pytest.mark.parametrize(
    ("metric", "extractor", "metrics", "name", "rank"),
    [
        ("fid", "inception", {"kid": 1.0, "fid": 10.5}, "fid", 10.5),
        ("fd", "inception", {"fid": 10.5}, "fid", 10.5),
        ("fd", "digits", {"fd_digits": 3.0}, "fd_digits", 3.0),
        ("kd", "inception_0123abcd", {"kd_inception_0123abcd": 0.1}, "kd_inception_0123abcd", 0.1),
        ("is", "inception", {"is_mean": 8.7, "is_std": 0.1}, "is_mean", -8.7),
        ("precision_recall", "digits", {"precision_digits": 0.5}, "precision_digits", -0.5),
    ],
)
def test_the_first_value_of_the_metric_decides(
    metric: Any, extractor: str, metrics: Mapping[str, float], name: str, rank: float
) -> None:
    found = score(meta(metrics, extractor), metric)
    assert found is not None
    assert (found.name, found.value, found.rank) == (name, abs(rank), rank)


@pytest.mark.parametrize(
    ("metrics", "extractor"),
    [({"loss": 1.0}, "digits"), ({"fd_digits": NAN}, "digits"), ({"fd_digits": 1.0}, None)],
)
def test_what_was_not_scored_has_no_score(metrics: Mapping[str, float], extractor: str | None) -> None:
    assert score(meta(metrics, extractor), "fd") is None


class Scripted:
    """Gives every evaluation the next of the scores."""

    def __init__(self, scores: list[float]) -> None:
        self._scores = iter(scores)
        self.protocol = {"extractor": "digits"}

    def __call__(self, _sample: object, _latent_dim: int) -> dict[str, float]:
        return {"fd_digits": next(self._scores)}


@pytest.mark.parametrize(
    ("stage", "every", "scores", "kept", "best"),
    [
        ("retrain", 1, [5.0, 3.0, 4.0], [2, 3], 2),
        ("retrain", 1, [5.0, 5.0, 5.0], [1, 3], 1),
        ("retrain", 1, [NAN, 3.0, NAN], [2, 3], 2),
        ("retrain", 2, [7.0, 8.0], [2, 3], 2),  # step 1 is not scored, and the last always is
        ("retrain", 2, [7.0, 6.0], [3], 3),
        ("retrain", 0, [], [3], None),
        ("search", 1, [5.0, 3.0, 4.0], [3], None),
    ],
)
def test_a_retraining_keeps_its_newest_checkpoint_and_its_best(
    stage: Any,
    every: int,
    scores: list[float],
    kept: list[int],
    best: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrator.jobs.worker.Evaluator", lambda *_: Scripted(scores))
    options = {"keep_checkpoints": 1, f"{stage}__evaluation__every": every}
    job = tiny_job(tmp_path, stage, **options)
    launch(job, Recorder())
    folders = (job.folder / "checkpoints").iterdir()
    assert sorted(int(folder.name.removeprefix("step-")) for folder in folders) == kept
    found = job.checkpoints.best()
    assert (found and found.meta.step) == best
