"""A selection as flat rows, for Parquet and JSON."""

from typing import Any

from orchestrator.selection.result import Selection


def to_rows(selection: Selection) -> list[dict[str, Any]]:
    """One row for each candidate at each rung, with the place it took in the end."""
    final = {standing.genotype: place for place, standing in enumerate(selection.ranking, start=1)}
    return [
        {
            "genotype": standing.genotype,
            "name": standing.name,
            "step": standing.step,
            "place": standing.place,
            "mean": standing.mean,
            "deviation": standing.deviation,
            "runs": standing.runs,
            "diverged": len(standing.diverged),
            "seeds": list(standing.seeds),
            "scores": list(standing.scores),
            "kept": standing.kept,
            "reason": standing.reason,
            "final_place": final[standing.genotype],
            "chosen": standing.genotype == selection.choice,
        }
        for rung in selection.rungs
        for standing in rung.standings
    ]
