"""Candidates from a sweep: its configurations, each with its seeds as repeats."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.artifacts.resolve import SWEEP_TABLE
from orchestrator.compare.candidate import Candidate, Training
from orchestrator.config.identity import flatten
from orchestrator.config.renamed import modern_recipe
from orchestrator.jobs.scores import best_of
from orchestrator.sweep.run_folder import RunFolder
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from trainers.metrics.specs import lower_is_better

SHOWN = 3
"""The number of parameters in a name."""


def sweep_candidates(folder: Path) -> Iterator[Candidate]:
    """Whole trials, and those stopped early with the seeds they finished; the others have no scores."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(folder / SWEEP_TABLE)
    known = {"trial", "config", "state", "reason", "began", "ended", "evaluations"}
    # Columns of parameters have dots, those of scores have not.
    names = [name for name in table.column_names if name not in known and "." in name]
    for row in table.to_pylist():
        params = {name: row[name] for name in names if row[name] is not None}
        seeds = [RunFolder(path) for path in sorted((folder / row["config"]).glob("seed-*"))]
        finished = [(run, result) for run in seeds if (result := run.result())]
        if finished:
            yield _candidate(f"{folder.name} {row['trial']}: {_words(params)}", params, finished)


def _candidate(
    name: str, params: Mapping[str, Any], finished: list[tuple[RunFolder, dict[str, Any]]]
) -> Candidate:
    metrics = tuple(metric for metric in finished[0][1]["scores"] if metric != "parameters")
    best = best_of(finished, lambda each: each[1]["scores"][metrics[0]], lower_is_better(metrics[0]))
    assert best is not None, "a candidate has finished runs"
    identity = _identity(best[0])
    width = {
        key.removeprefix("retrain.generator."): value
        for key, value in identity.items()
        if ".generator." in key
    }
    return Candidate(
        name=name,
        genotype=_genotype(best[0]),
        width=GeneratorConfig(**width),
        data=identity["data.name"],
        metrics=metrics,
        protocol=finished[0][1]["protocol"],
        recipe=_recipe(identity) | flatten(params),
        trainings=tuple(_training(name, run, result, metrics) for run, result in finished),
    )


def _training(name: str, run: RunFolder, result: Mapping[str, Any], metrics: tuple[str, ...]) -> Training:
    reports = list(run.reports("retrain"))
    curves = {
        metric: [(report.step, report.metrics[metric]) for report in reports if metric in report.metrics]
        for metric in metrics
    }
    scores = {metric: result["scores"][metric] for metric in metrics}
    return Training(str(run.path), name, result["seed"], scores, curves, result["seconds"] / 3600)


def _identity(run: RunFolder) -> dict[str, Any]:
    """The settings of the retraining and its length, from its newest checkpoint."""
    newest = max((run.path / "retrain" / "checkpoints").glob("step-*/meta.json"))
    meta = json.loads(newest.read_text(encoding="utf-8"))
    return {**meta["identity"], "retrain.steps": meta["step"]}


def _recipe(identity: Mapping[str, Any]) -> dict[str, str]:
    return modern_recipe(
        flatten({name: value for name, value in identity.items() if name.startswith(("retrain.", "data."))})
    )


def _genotype(run: RunFolder) -> Genotype:
    *_, last = run.reports("search")
    return last.genotypes["generator"]


def _words(params: Mapping[str, Any]) -> str:
    def short(name: str) -> str:
        return ".".join(name.split(".")[-2:])

    words = [
        f"{short(name)} {value:.3g}" if isinstance(value, float) else f"{short(name)} {value}"
        for name, value in params.items()
    ]
    return ", ".join(words[:SHOWN]) + (", ..." if len(words) > SHOWN else "")
