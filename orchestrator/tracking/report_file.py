"""Reports on disk: how they pass from a process that trains to the driver, who writes MLflow."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.plots.images import image_grid
from orchestrator.tracking.run import TrackedRun
from search_space.genotype import Genotype
from trainers.files import append_entry, written_whole
from trainers.report import Report


@dataclass(frozen=True)
class ReportFile:
    """The reports of one training, a line each, and its newest images."""

    folder: Path
    stage: str

    def begin(self) -> None:
        """Keep when the training began, the first time it did."""
        if self.began is None:
            with written_whole(self._began) as file:
                file.write(str(_now()).encode())

    @property
    def began(self) -> int | None:
        """Milliseconds since 1970; None before it has begun."""
        return int(self._began.read_text()) if self._began.is_file() else None

    def append(self, report: Report) -> None:
        """Keep numbers, genotypes and images of a report; one that comes again is there twice."""
        if report.samples is not None:
            with written_whole(self.samples) as file:
                file.write(image_grid(report.samples))
        genotypes = {name: genotype.model_dump(mode="json") for name, genotype in report.genotypes.items()}
        line = {
            "step": report.step, "time": _now(), "metrics": dict(report.metrics), "genotypes": genotypes
        }  # fmt: skip
        append_entry(self.path, line)

    def entries(self, offset: int = 0) -> tuple[list[Mapping[str, Any]], int]:
        """What was written since, and where to go on; a line that is cut short is left for later."""
        if not self.path.is_file():
            return [], offset
        with self.path.open("rb") as file:
            file.seek(offset)
            lines = file.read().split(b"\n")
        entries, position = [], offset
        for number, line in enumerate(lines):
            try:
                entries.append(json.loads(line))
            except ValueError:  # empty, or cut short by a crash or because it is being written
                if number == len(lines) - 1:
                    return entries, position
            position += len(line) + 1
        return entries, position - 1

    @property
    def path(self) -> Path:
        """Of the reports."""
        return self.folder / f"{self.stage}.jsonl"

    @property
    def samples(self) -> Path:
        """A grid of the newest images."""
        return self.folder / f"{self.stage}_samples.png"

    @property
    def _began(self) -> Path:
        return self.folder / f"{self.stage}.began"


def report_of(entry: Mapping[str, Any]) -> Report:
    """The report that a line stands for, without images."""
    genotypes = {name: Genotype.model_validate(value) for name, value in entry["genotypes"].items()}
    return Report(entry["step"], entry["metrics"], genotypes)


class Follower:
    """Writes what a training reports to its run, as it comes, with the time at which it came."""

    def __init__(self, file: ReportFile, run: TrackedRun, prefix: str = "") -> None:
        self._file, self._run, self._prefix = file, run, prefix
        self._offset = 0
        self._images = 0.0
        self.latest: Mapping[str, Any] | None = None
        """The newest line."""

    def catch_up(self) -> None:
        """Write what is new."""
        entries, self._offset = self._file.entries(self._offset)
        for entry in entries:
            self._run.report(report_of(entry), self._prefix, entry.get("time"))
            self.latest = entry
        images = self._file.samples
        if self.latest and images.is_file() and (changed := images.stat().st_mtime) > self._images:
            self._images = changed
            self._run.image("samples", images.read_bytes(), self.latest["step"], self.latest.get("time"))


def _now() -> int:
    return int(time.time() * 1000)
