"""All that MLflow was told about a run, kept beside the run's files: a lost database is made again from it.

A line of JSON for each entry that the store took. Images and weights are only named: they are files already.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from orchestrator.tracking.sending.entry import Entry
from search_space.frozen import Frozen
from trainers.files import append_entry, json_lines

SUFFIX = "_records.jsonl"
LARGEST = 20_000
"""Bytes of a file that is kept: genotypes and configurations are, drawings and weights are not."""


class Head(Frozen):
    """Which run the entries are of; written again whenever the run is opened."""

    run_id: str
    experiment: str
    id: str
    stage: str
    name: str
    began: int
    """Milliseconds since 1970."""
    artifacts: str
    """Where the store keeps the run's files."""
    uri: str
    """Of the store."""
    whole: bool = True
    """Whether the file has all of the run: a part of it may be of a version that kept no such file."""


class Named(Frozen):
    """An entry whose large files are only named."""

    entry: Entry
    large: tuple[str, ...] = Field(default=())
    """Artifact paths of files that are not kept here."""
    images: tuple[str, ...] = Field(default=())
    """Keys of images by step."""


@dataclass(frozen=True)
class Records:
    """The file of one run."""

    path: Path

    @classmethod
    def of(cls, root: Path, id: str, stage: str) -> "Records":
        """Beside the folder of the stage."""
        return cls(root / id / f"{stage}{SUFFIX}")

    def open(self, head: Head) -> None:
        """Say which run is told what follows."""
        append_entry(self.path, {"run": head.model_dump(mode="json")})

    def append(self, entry: Entry) -> None:
        """Keep what the store has taken; what it gets twice is there twice.

        Raises:
            OSError: the disk is full or refuses.
        """
        small = {
            name: b64encode(content).decode()
            for name, content in entry.files.items()
            if len(content) <= LARGEST
        }
        large = [name for name in entry.files if name not in small]
        kept = entry.model_copy(update={"files": {}, "images": {}}).model_dump(
            mode="json", exclude_defaults=True
        )
        append_entry(
            self.path,
            {
                "entry": {"time": entry.time, **kept},
                "files": small,
                "large": large,
                "images": list(entry.images),
            },
        )

    def delete(self) -> None:
        """Of a run that was taken back."""
        self.path.unlink(missing_ok=True)

    def read(self) -> Iterator[Head | Named]:
        """All lines in order, but for those cut short by a crash."""
        for line in json_lines(self.path):
            with suppress(ValueError, KeyError, TypeError, AttributeError):  # somebody has changed it
                yield _read(line)

    def head(self) -> Head | None:
        """The newest; None without a sound one."""
        return next((found for found in reversed(list(self.read())) if isinstance(found, Head)), None)


def _read(line: dict[str, Any]) -> Head | Named:
    if "run" in line:
        return Head.model_validate(line["run"])
    files = {name: b64decode(content) for name, content in line["files"].items()}
    entry = Entry.model_validate(line["entry"]).model_copy(update={"files": files})
    return Named(entry=entry, large=tuple(line["large"]), images=tuple(line["images"]))
