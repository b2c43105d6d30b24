"""The files of a trial's run: all that passes from the process that trains to the driver."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.config.identity import json_hash
from orchestrator.config.renamed import first_name
from orchestrator.jobs.job import Stage
from orchestrator.sweep.space import Params
from orchestrator.tracking.report_file import ReportFile, report_of
from trainers.files import written_whole
from trainers.report import Report

STAGES: tuple[Stage, ...] = ("search", "retrain")


def params_hash(params: Params) -> str:
    """Eight digits that are equal where configurations are, whichever version has named their options."""
    return json_hash({first_name(name): value for name, value in params.items()})


def trial_folder(sweep_folder: Path, params: Params) -> Path:
    """Folder of one configuration. Trials of equal configurations share it, so the second finds its work
    done."""
    return sweep_folder / params_hash(params)


def seed_folder(trial: Path, seed: int) -> Path:
    """Folder of the run with the seed of that number."""
    return trial / f"seed-{seed}"


@dataclass(frozen=True)
class RunFolder:
    """One run: a search and a retraining with one seed."""

    path: Path

    def file(self, stage: Stage) -> ReportFile:
        """The reports of a stage."""
        return ReportFile(self.path, stage)

    def reports(self, stage: Stage) -> Iterator[Report]:
        """What was recorded, in order of steps, each once; a line cut short by a crash is left out."""
        latest = {entry["step"]: entry for entry in self.file(stage).entries()[0]}
        for step in sorted(latest):
            yield report_of(latest[step])

    def finish(self, result: Mapping[str, Any]) -> None:
        """Keep what came out; complete under its name or not there at all."""
        with written_whole(self._result) as file:
            file.write(json.dumps(result, indent=1).encode())

    def result(self) -> dict[str, Any] | None:
        """What came out, None before the end."""
        return json.loads(self._result.read_text(encoding="utf-8")) if self._result.exists() else None

    @property
    def _result(self) -> Path:
        return self.path / "result.json"
