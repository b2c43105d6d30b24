"""Derivation by perturbation on Ray Train workers, who share every removal's images."""

from pathlib import Path

import pytest
import torch

from orchestrator.cluster.launch import launch
from orchestrator.jobs.worker import run_worker
from tests.orchestrator.tiny_jobs import Recorder, final_state, tiny_job

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread"), pytest.mark.timeout(1200)]

EDGES = 21
OPTIONS = {
    "search__strategy": {"name": "adversarial", "derive": "perturbation", "perturbation_steps": 1},
    "search__steps": 4 + EDGES,
    "search__report_every": 4 + EDGES,
    "search__evaluation__every": 4 + EDGES,
    "search__evaluation__samples": 64,
    "cluster__num_workers": 2,
}
"""Two workers, so two ghost batches: no other number of them gives these numbers."""


def test_two_workers_derive_what_this_process_does_with_their_ghost_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_worker_niceness", "0")
    here = run_worker(tiny_job(tmp_path / "here", **OPTIONS), Recorder(), torch.device("cpu"))
    there = launch(tiny_job(tmp_path / "there", **OPTIONS), Recorder())
    assert there.genotypes["generator"].cells == here.genotypes["generator"].cells
    one, other = final_state(here)["decisions"], final_state(there)["decisions"]
    assert sum(int(value.sum()) for name, value in one.items() if name.endswith("_decided")) == EDGES
    for name, value in one.items():
        torch.testing.assert_close(other[name], value, rtol=0.05, atol=0.01, msg=name)
