"""The genotypes that a search derives on its way, recorded beside its checkpoints: one line of JSON per
report."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from search_space.genotype import Genotype, Provenance
from trainers.files import append_entry, json_lines
from trainers.gap import GAP
from trainers.report import Report

FILE = "derivations.jsonl"


def record_derivation(folder: Path, report: Report) -> None:
    """Keep genotypes, preferences and duality gap of a report; a step trained again is written again."""
    if not report.genotypes:
        return
    cells = {network: genotype.model_dump(mode="json") for network, genotype in report.genotypes.items()}
    entry = {"step": report.step, "genotypes": cells, "probabilities": dict(report.probabilities)}
    if report.others:
        entry["others"] = [genotype.model_dump(mode="json") for genotype in report.others]
    if math.isfinite(gap := report.metrics.get(GAP, math.nan)):
        entry[GAP] = gap
    append_entry(folder / FILE, entry)


def derived_generators(folder: Path, run: str) -> list[Genotype]:
    """The distinct generators that the search in a folder has derived, newest first, of a step best first."""
    distinct: dict[str, Genotype] = {}
    for entry in reversed(entries(folder)):
        for genotype in _generators(entry, run):
            distinct.setdefault(genotype.content_hash, genotype)
    return list(distinct.values())


def entries(folder: Path) -> list[dict[str, Any]]:
    """What was recorded in the folder of a search, each step once, in order."""
    lines = json_lines(folder / FILE, "step", "genotypes", "probabilities")
    by_step = {entry["step"]: entry for entry in lines if isinstance(entry["step"], int)}
    return [by_step[step] for step in sorted(by_step)]


def _generators(entry: dict[str, Any], run: str) -> Iterator[Genotype]:
    for found in [entry["genotypes"]["generator"], *entry.get("others", [])]:
        genotype = Genotype.model_validate(found)
        yield genotype.model_copy(update={"provenance": Provenance(run=run, step=entry["step"])})
