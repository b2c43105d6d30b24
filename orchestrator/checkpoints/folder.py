"""One checkpoint as a folder of files that is complete or absent: `state.pt`, `meta.json`, `SHA256SUMS`.

`sha256sum --check SHA256SUMS` verifies it too.
"""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import torch

from trainers.files import make_folder, sync, sync_folder

STATE, META, SUMS = "state.pt", "meta.json", "SHA256SUMS"


def write_whole(folder: Path, state: Mapping[str, Any], meta: str) -> None:
    """Write the folder under another name and rename it when all of it is on the disk.

    Raises:
        OSError: the disk is full or refuses; the folder is as it was.
    """
    scratch = hidden_beside(folder)
    make_folder(scratch)
    try:
        _write(scratch, state, meta)
        _put_in_place(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def is_intact(folder: Path) -> bool:
    """Whether the files are what was written; one that is missing or cut short is not."""
    try:
        lines = (folder / SUMS).read_text(encoding="ascii").splitlines()
        recorded = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        return recorded == {name: _content_hash(folder / name) for name in (STATE, META)}
    except (OSError, UnicodeDecodeError):
        return False


def hidden_beside(folder: Path) -> Path:
    """A fresh name next to the folder that no checkpoint has."""
    return folder.with_name(f".{uuid4().hex}")


class _HashedFile:
    """A file that knows the SHA-256 of what was written to it, as long as it is written in order.

    What goes wrong while writing (a full disk, Ctrl-C) waits in `failure`: thrown through `torch.save`, it
    would come out as an error about positions.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.failure: BaseException | None = None

    def write(self, data: bytes) -> int:
        if self.failure is None:
            try:
                self.digest.update(data)
                self._file.write(data)
            except BaseException as failure:
                self.failure = failure
        return len(data)

    def flush(self) -> None:
        """Left to whoever owns the file."""


def _write(folder: Path, state: Mapping[str, Any], meta: str) -> None:
    with _synced(folder / STATE) as file:
        hashed = _HashedFile(file)
        torch.save(dict(state), hashed)  # type: ignore[arg-type]
        if hashed.failure:
            raise hashed.failure
    with _synced(folder / META) as file:
        file.write(meta.encode())
    sums = {STATE: hashed.digest.hexdigest(), META: hashlib.sha256(meta.encode()).hexdigest()}
    with _synced(folder / SUMS) as file:
        file.write("".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode())
    sync_folder(folder)


@contextmanager
def _synced(path: Path) -> Iterator[IO[bytes]]:
    """A new file, on the disk before the block is left."""
    with path.open("xb") as file:
        yield file
        sync(file)


def _put_in_place(scratch: Path, folder: Path) -> None:
    """A folder that is there already was skipped as damaged: it makes way first."""
    if folder.exists():
        replaced = hidden_beside(folder)
        folder.rename(replaced)
        shutil.rmtree(replaced, ignore_errors=True)
    scratch.rename(folder)
    sync_folder(folder.parent)


def _content_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
