"""The files of a run: where they were, or copied from there, from the records or the run's folder."""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from orchestrator.records.history import History

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass
class Lost:
    """What was not found anywhere, and how many files were written again."""

    names: list[str] = field(default_factory=list)
    restored: int = 0


def restore_artifacts(client: "MlflowClient", run_id: str, history: History) -> Lost:
    """Write the files and images that the run lacks."""
    there = _listed(client, run_id, None)
    kept = _local(history.head.artifacts)
    lost = Lost()
    for name, content in sorted(history.files.items()):
        if name not in there:
            _restore_file(client, run_id, name, content or _found(name, kept, history), lost)
    for key, step in sorted(history.images):
        start = f"images/{key}+step+{step}+"
        if any(name.startswith(start) for name in there):
            continue
        copies = sorted(kept.glob(f"{start}*")) if kept else []
        for copy in copies:
            client.log_artifact(run_id, str(copy), "images")
        lost.restored += len(copies)
        if not copies:
            lost.names.append(f"{key} of step {step}")
    return lost


def _restore_file(client: "MlflowClient", run_id: str, name: str, content: bytes | None, lost: Lost) -> None:
    if content is None:
        lost.names.append(name)
        return
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        client.log_artifacts(run_id, folder)
    lost.restored += 1


def _found(name: str, kept: Path | None, history: History) -> bytes | None:
    """Content of a file that the records only name."""
    places = [history.folder / history.head.stage, history.folder]
    for place in [kept, *places] if kept else places:
        if (place / name).is_file():
            return (place / name).read_bytes()
    return None


def _listed(client: "MlflowClient", run_id: str, folder: str | None) -> set[str]:
    names: set[str] = set()
    for each in client.list_artifacts(run_id, folder):
        names |= _listed(client, run_id, each.path) if each.is_dir else {each.path}
    return names


def _local(address: str) -> Path | None:
    """The folder on this machine that an address of artifacts names."""
    parts = urlsplit(address)
    return Path(unquote(parts.path)) if parts.scheme in ("", "file") else None
