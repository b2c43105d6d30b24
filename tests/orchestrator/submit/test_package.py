import zipfile

import pytest
from ray._private.runtime_env.packaging import create_package

from orchestrator.submit.client import SubmitError
from orchestrator.submit.package import runtime_env, sends_project
from orchestrator.tracking.provenance import code_tags

SENT = ["run.yaml", "genotype.json", "orchestrator/data/x.py", "configs/digits.yaml"]
KEPT_BACK = [
    "runs/first/checkpoint.pt", "data/cifar-10-batches-py/data_batch_1", "mlruns/0/meta.yaml", "mlflow.db",
    "mlflow.db.lock", ".git/HEAD", ".venv/bin/python", "venv/bin/python", "orchestrator/__pycache__/x.pyc",
    ".mypy_cache/x", "ignored/x", "dist/x.whl",
    ".env", ".env.local", "server.pem", "keys/id_rsa", "keys/id_ed25519", ".netrc", ".ssh/config",
    ".aws/credentials",
    "deep/down/.aws/credentials", "orchestrator/.env", "tls.key",
]  # fmt: skip


def test_data_and_outputs_stay_here(tmp_path):
    folder = tmp_path / "project"
    for name in [*SENT, *KEPT_BACK]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / ".gitignore").write_text("ignored/\n")
    target = tmp_path / "package.zip"
    create_package(str(folder), target, include_gitignore=True, excludes=runtime_env(folder)["excludes"])
    files = [name for name in zipfile.ZipFile(target).namelist() if not name.endswith("/")]
    assert sorted(files) == sorted([*SENT, ".gitignore"])


def test_a_folder_that_does_not_exist_is_a_mistake(tmp_path):
    with pytest.raises(SubmitError, match=r"--working-dir .*: no such folder"):
        runtime_env(tmp_path / "nowhere")


def test_a_job_knows_whose_copy_it_runs(tmp_path, monkeypatch):
    from orchestrator.submit import package

    (tmp_path / "orchestrator").mkdir()
    assert not sends_project(tmp_path)
    (tmp_path / "orchestrator" / "__main__.py").touch()
    assert sends_project(tmp_path)
    monkeypatch.setattr(package, "git_commit", lambda _: "abc")
    monkeypatch.setattr(package, "has_changes", lambda _: True)
    for name, value in runtime_env(tmp_path)["env_vars"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("orchestrator.tracking.provenance._git", lambda *_: None)  # as in the copy
    tags = code_tags()
    assert (tags["mlflow.source.git.commit"], tags["mlflow.source.git.dirty"]) == ("abc", "true")
