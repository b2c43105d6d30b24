"""A cluster that has no room yet: a run waits for a machine, and starts when one joins."""

import threading
from pathlib import Path

import pytest

from orchestrator.cluster.launch import launch
from orchestrator.cluster.session import ClusterError
from tests.integration.machines import machines_apart
from tests.orchestrator.tiny_jobs import STEPS, Recorder, tiny_job

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_run_waits_for_the_machine_that_it_needs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with machines_apart(tmp_path / "disk", 0) as machines:
        options = {"cluster__num_workers": 1, "cluster__address": machines.address}
        with pytest.raises(ClusterError, match=r"holds 0.*cluster\.machines_timeout_s waits"):
            launch(tiny_job(tmp_path / "shared", **options), Recorder())

        adding = threading.Timer(5, machines.add)
        adding.start()
        recorder = Recorder()
        launch(tiny_job(tmp_path / "shared", cluster__machines_timeout_s=600, **options), recorder)
        adding.join()
        assert "waiting up to 600 s for machines" in caplog.text
        assert recorder.steps == list(STEPS)
