"""The commit of the code that a run was made with."""

import getpass
import os
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("advnas", "torch", "ray")
"""Their versions are recorded with every run."""

CODE = Path(__file__).parent

COMMIT_VARIABLE, DIRTY_VARIABLE = "ADVNAS_GIT_COMMIT", "ADVNAS_GIT_DIRTY"
"""Environment variables that tell a job on a cluster, whose code is a copy, which commit it is of."""


def git_commit(folder: Path = CODE) -> str | None:
    """The checked-out or submitted commit; None without one, or where git only ignores the folder."""
    # An installation inside somebody's own repository is not that repository's code.
    checked_out = _git(folder, "rev-parse", "HEAD") if _git(folder, "ls-files") else None
    return checked_out or os.environ.get(COMMIT_VARIABLE)


def has_changes(folder: Path = CODE) -> bool:
    """Whether tracked files of the checkout, or the one that was submitted, differ from its commit."""
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return os.environ.get(DIRTY_VARIABLE) == "true" if changes is None else bool(changes)


def code_tags() -> dict[str, str]:
    """MLflow tags of the code and of who runs it."""
    tags = {"mlflow.user": _user(), "mlflow.source.type": "LOCAL"}
    tags |= {f"advnas.version.{name}": version for name in PACKAGES if (version := _version(name))}
    if commit := git_commit():
        tags |= {"mlflow.source.git.commit": commit, "mlflow.source.git.dirty": str(has_changes()).lower()}
    return tags


def _git(folder: Path, *command: str) -> str | None:
    """Output of git in that folder; None where git is missing, fails or finds no repository."""
    # Inside a git hook these name the hook's repository, whatever the folder.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *command],
            capture_output=True, text=True, timeout=10, check=True, env=environment,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
