import subprocess
from pathlib import Path

import pytest

from orchestrator.tracking.provenance import git_commit, has_changes


def git(folder: Path, *command: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    done = subprocess.run(
        ["git", *identity, *command], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "module.py").write_text("a = 1\n")
    (tmp_path / ".gitignore").write_text(".venv\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_the_commit_of_a_checkout_is_found_from_inside(checkout):
    assert git_commit(checkout / "code") == git(checkout, "rev-parse", "HEAD")
    assert not has_changes(checkout / "code")


def test_a_changed_file_is_noticed_and_a_new_one_is_not_the_codes(checkout):
    (checkout / "code" / "notes.txt").write_text("mine")
    assert not has_changes(checkout / "code")
    (checkout / "code" / "module.py").write_text("a = 2\n")
    assert has_changes(checkout / "code")


def test_outside_a_checkout_there_is_no_commit(tmp_path):
    assert git_commit(tmp_path) is None
    assert not has_changes(tmp_path)
    assert git_commit(tmp_path / "missing") is None


def test_an_installation_inside_somebodys_repository_is_not_that_repositorys_commit(checkout):
    installed = checkout / ".venv" / "orchestrator"
    installed.mkdir(parents=True)
    (installed / "module.py").touch()
    assert git_commit(installed) is None


def test_a_machine_without_git_has_no_commit(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_commit(checkout / "code") is None


def test_the_repository_of_a_git_hook_is_not_taken_for_the_codes(checkout, tmp_path_factory, monkeypatch):
    commit = git(checkout, "rev-parse", "HEAD")
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert git_commit(checkout / "code") == commit
