"""Candidates scored as tasks on Ray, and supernets trained there, end as they do in this process."""

import io
from pathlib import Path

import pytest

from orchestrator.config.experiment import load_experiment
from orchestrator.console.console import Console
from orchestrator.evolution import fitness
from orchestrator.evolution.stage import evolve_genotypes
from tests.orchestrator.evolution.test_supernets import config, root, rows  # noqa: F401

pytestmark = pytest.mark.usefixtures("one_thread")


def evolved(config: Path, name: str, **options: str) -> list[dict[str, object]]:  # noqa: F811
    experiment = load_experiment(str(config), {"name": name} | options)
    evolve_genotypes(experiment, Console(io.StringIO()))
    return rows(experiment.root / name / "evolve")


def test_how_many_are_scored_at_once_changes_nothing(config: Path, monkeypatch) -> None:  # noqa: F811
    here = evolved(config, "here")

    def refuse(*_: object) -> None:
        raise AssertionError("scored in this process")

    monkeypatch.setattr(fitness, "here", refuse)
    assert evolved(config, "ray", **{"evolve.concurrent": "2"}) == here


def test_short_trainings_beside_each_other_find_what_they_find_one_by_one(config: Path) -> None:  # noqa: F811
    short = {"evolve.fitness": "training", "evolve.steps": "2", "retrain.evaluation.every": "1"}
    together = evolved(config, "together", **short, **{"evolve.concurrent": "2"})
    assert together == evolved(config, "turns", **short)
