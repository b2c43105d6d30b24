"""The folder that is sent to the cluster, without data, outputs and files that can be made again."""

from pathlib import Path
from typing import Any

from orchestrator.submit.client import SubmitError
from orchestrator.tracking.provenance import COMMIT_VARIABLE, DIRTY_VARIABLE, git_commit, has_changes

PACKAGE = "orchestrator"
"""In a folder that has it, the project itself is sent; otherwise the machines need it installed."""

NOT_SENT = (
    "/runs",
    "/data",
    "/mlruns",
    "/mlartifacts",
    "/mlflow.db*",
    ".git",
    ".venv",
    "/venv",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    "/dist",
    "*.egg-info",
)
"""Patterns as in .gitignore, which applies too, as does .rayignore."""
SECRETS = (
    ".env",
    ".env.*",
    ".netrc",
    "_netrc",
    ".ssh",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    ".aws",
    ".azure",
    ".boto",
    ".gnupg",
    ".kube",
    ".docker",
    ".pgpass",
    ".pypirc",
    ".npmrc",
    ".git-credentials",
    "*credentials.json",
)
"""What tools keep passwords and keys in: everybody who may use the cluster can read what is sent."""

STOP_S = 60
"""What a stopped job may take to close its MLflow runs; Ray's own 3 s are less than a server's hiccup."""


def runtime_env(folder: Path) -> dict[str, Any]:
    """Ray's description of what the job needs: the folder, and what it should know.

    Raises:
        SubmitError: no such folder.
    """
    if not folder.is_dir():
        raise SubmitError(f"--working-dir {folder}: no such folder")
    return {
        "working_dir": str(folder.absolute()),
        "excludes": [*NOT_SENT, *SECRETS],
        "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_S), **_commit(folder)},
    }


def sends_project(folder: Path) -> bool:
    """Whether the job runs the folder's own code."""
    return (folder / PACKAGE / "__main__.py").is_file()


def _commit(folder: Path) -> dict[str, str]:
    code = folder / PACKAGE
    if not sends_project(folder) or (commit := git_commit(code)) is None:
        return {}
    return {COMMIT_VARIABLE: commit, DIRTY_VARIABLE: str(has_changes(code)).lower()}
