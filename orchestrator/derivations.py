"""What a search has derived on its way, beside its checkpoints: one line of JSON a report."""

import json
from collections.abc import Iterator
from pathlib import Path

from search_space.genotype import Genotype, Provenance
from trainers.report import Report

FILE = "derivations.jsonl"


def record_derivation(folder: Path, report: Report) -> None:
    """Keep the genotypes of a report; a step that is trained again is written again."""
    if not report.genotypes:
        return
    cells = {network: genotype.model_dump(mode="json") for network, genotype in report.genotypes.items()}
    with (folder / FILE).open("a", encoding="utf-8") as file:
        # The line break comes first, so that a line cut short by a crash ends before the next.
        file.write("\n" + json.dumps({"step": report.step, "genotypes": cells}))


def derived_generators(folder: Path, run: str) -> list[Genotype]:
    """The distinct generators that the search in a folder has derived, newest first."""
    path = folder / FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    by_step = dict(_entries(lines, run))
    distinct: dict[str, Genotype] = {}
    for step in sorted(by_step, reverse=True):
        distinct.setdefault(by_step[step].content_hash, by_step[step])
    return list(distinct.values())


def _entries(lines: list[str], run: str) -> Iterator[tuple[int, Genotype]]:
    for line in lines:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:  # empty, or cut short: then the step was or will be written again
            continue
        genotype = Genotype.model_validate(entry["genotypes"]["generator"])
        provenance = Provenance(run=run, step=entry["step"])
        yield entry["step"], genotype.model_copy(update={"provenance": provenance})
