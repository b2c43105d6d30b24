"""Evolutions on two Ray Train workers whose machine loses power: they go on to the same bits."""

import io
import signal
from pathlib import Path

import pytest

from orchestrator.config.experiment import load_experiment
from orchestrator.console.console import Console
from orchestrator.evolution.stage import evolve_genotypes
from tests.orchestrator.evolution.killed import run_killed
from tests.orchestrator.evolution.test_supernets import config, final_states, root, rows  # noqa: F401
from tests.orchestrator.tiny_jobs import differences

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread"), pytest.mark.timeout(1800)]

TWO_WORKERS = {"cluster.num_workers": "2"}
SHORT = {**TWO_WORKERS, "evolve.random": "3", "evolve.children": "2"}
BY_TRAINING = {
    **TWO_WORKERS,
    "evolve.fitness": "training",
    "evolve.steps": "3",
    "evolve.random": "2",
    "evolve.children": "1",
}


@pytest.fixture(autouse=True)
def not_nice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside other tests, Ray's workers would starve."""
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def evolved(config: Path, name: str, options: dict[str, str]) -> Path:  # noqa: F811
    experiment = load_experiment(str(config), {"name": name} | options)
    evolve_genotypes(experiment, Console(io.StringIO()))
    return experiment.root / name / "evolve"


def killed(config: Path, name: str, options: dict[str, str], place: str, at: int) -> None:  # noqa: F811
    words = [word for option, value in options.items() for word in (f"--{option}", value)]
    child = run_killed(["evolve", str(config), "--name", name, *words], place, at)
    assert child.returncode == -signal.SIGKILL


def test_killed_while_supernets_are_trained_and_while_candidates_are_scored(config: Path) -> None:  # noqa: F811
    killed(config, "hurt", SHORT, "report", 5 + 2)
    killed(config, "hurt", SHORT, "score", 4)
    resumed, whole = evolved(config, "hurt", SHORT), evolved(config, "sound", SHORT)
    states = final_states(whole)
    assert len(states) == 2
    assert differences(final_states(resumed), states) == []
    assert rows(resumed) == rows(whole)
    assert len(rows(whole)) == 5


def test_killed_while_a_candidate_is_trained(config: Path) -> None:  # noqa: F811
    killed(config, "hurt-training", BY_TRAINING, "report", 3 + 2)
    resumed = evolved(config, "hurt-training", BY_TRAINING)
    whole = evolved(config, "sound-training", BY_TRAINING)
    assert rows(resumed) == rows(whole)
    assert len(rows(whole)) == 3
