from pathlib import Path

import pytest

from orchestrator.cluster.job_environment import JOB_VARIABLE, require_kept
from search_space.errors import UserError


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Where Ray unpacks a job's working directory."""
    folder = tmp_path / "session_1" / "runtime_resources" / "working_dir_files" / "_ray_pkg_1"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv(JOB_VARIABLE, "{}")
    return folder


def test_runs_do_not_stay_in_a_jobs_copy(copy):
    with pytest.raises(
        UserError, match=r"root = runs: lies in the job's copy .*; give --root an absolute path"
    ):
        require_kept(copy / "runs")


@pytest.mark.usefixtures("copy")
def test_runs_may_lie_anywhere_else():
    require_kept(Path("/shared/runs"))


def test_ray_itself_names_its_jobs_by_this_variable():
    from ray._private.runtime_env.constants import RAY_JOB_CONFIG_JSON_ENV_VAR

    assert RAY_JOB_CONFIG_JSON_ENV_VAR == JOB_VARIABLE


def test_outside_of_jobs_every_folder_is_kept(copy, monkeypatch):
    monkeypatch.delenv(JOB_VARIABLE)
    require_kept(copy / "runs")
