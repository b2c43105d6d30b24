"""Two sweeps at once, each with a Ray of its own, in one root and one database. Trials are stand-ins."""

import io
import multiprocessing
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.console.console import Console
from orchestrator.sweep.command import run_sweep
from tests.integration.test_sweep_endings import runs_in, study_in, sweep_of
from trainers.locks import RunInUse

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SPAWN = multiprocessing.get_context("spawn")


def sweeping(root: Path, name: str) -> None:
    """What a process of its own does; its trials end when all sweeps have begun."""

    def work(_trial: Any, send: Any) -> None:
        while not (root / "go on").exists():
            time.sleep(0.1)
        send({"fd_digits": 9.0, "evaluations": 1})
        send({"fd_digits": 4.5, "evaluations": 1, "complete": [{"fd_digits": 4.5}]})

    run_sweep(sweep_of(root, name), Console(io.StringIO()), work)


def test_they_do_not_notice_each_other_and_a_third_of_a_name_is_refused(tmp_path: Path) -> None:
    sweeps = [SPAWN.Process(target=sweeping, args=(tmp_path, name)) for name in ("a", "b")]
    for sweep in sweeps:
        sweep.start()
    try:
        deadline = time.monotonic() + 300
        while not all((tmp_path / name / "study.db").exists() for name in ("a", "b")):
            assert time.monotonic() < deadline, "the sweeps do not begin"
            assert all(sweep.is_alive() for sweep in sweeps)
            time.sleep(0.2)
        with pytest.raises(
            RunInUse, match=rf"{tmp_path / 'a'}: process {sweeps[0].pid} on .* works on this run"
        ):
            run_sweep(sweep_of(tmp_path, "a"), Console(io.StringIO()))
        (tmp_path / "go on").touch()
        for sweep in sweeps:
            sweep.join(300)
        assert [sweep.exitcode for sweep in sweeps] == [0, 0]
    finally:
        for sweep in sweeps:
            sweep.kill()
    for name in ("a", "b"):
        assert [trial.value for trial in study_in(tmp_path, name).trials] == [4.5] * 3
        runs = runs_in(tmp_path, name)
        assert set(runs) == {name, *(f"{name}/trial-{number}" for number in range(3))}
        assert {run.info.status for run in runs.values()} == {"FINISHED"}
