"""What an evolution leaves behind: every candidate as a row, a figure, and the genotypes that go on."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.evolution.plan import EvolutionPlan
from orchestrator.evolution.progress import origin
from orchestrator.selection.curves import genotype_id
from search_space.evolution.evolution import Evolution
from search_space.evolution.pareto import fronts
from search_space.genotype import Genotype

if TYPE_CHECKING:
    import pyarrow as pa

    from orchestrator.plots.evolution import DrawnCandidate

FILES = {"candidates": "candidates.parquet", "pareto": "pareto.png"}
"""What they are called in results -> in the folder of the evolution."""


def best_of(evolution: Evolution, plan: EvolutionPlan) -> list[Genotype]:
    """Who goes on, best first; nobody where nobody has a score."""
    return evolution.best(plan.config.derivations, plan.config.distance)


def write_files(plan: EvolutionPlan, evolution: Evolution, chosen: Sequence[Genotype]) -> dict[str, Path]:
    """All candidates as Parquet, and the picture of score against size."""
    import pyarrow.parquet as pq

    from orchestrator.plots.evolution import pareto

    files = {name: plan.folder / file for name, file in FILES.items()}
    pq.write_table(table_of(evolution, chosen), files["candidates"])
    by = {"inherited": "inherited weights", "fine_tuning": "fine-tuning", "training": "short trainings"}
    who = {"regularized": "regularized evolution", "nsga2": "NSGA-II"}[plan.config.algorithm]
    title = f"{len(evolution.scored)} candidates of {who}, scored by {by[plan.config.fitness]}"
    files["pareto"].write_bytes(pareto(drawn(evolution, chosen), title, plan.config.max_parameters))
    return files


def table_of(evolution: Evolution, chosen: Sequence[Genotype]) -> "pa.Table":
    """One row for each candidate, in the order of their numbers.

    `score_0`, `score_1`, ... are logarithms, one a supernet or seed; null where there is no score. `chosen`
    counts those that go on from 1.
    """
    import pyarrow as pa

    front, places = on_front(evolution), _places(chosen)
    rows = []
    for number, ((genotype, scores), fitness) in enumerate(
        zip(evolution.scored, evolution.fitness(), strict=True)
    ):
        rows.append(
            {
                "number": number + 1,
                "origin": origin(evolution, number),
                "genotype": genotype_id(genotype),
                "hash": genotype.content_hash,
                "parameters": evolution.parameters(genotype),
                "fitness": _or_none(fitness),
                **{f"score_{judge}": _or_none(score) for judge, score in enumerate(scores)},
                "pareto_front": number in front,
                "chosen": places.get(genotype.content_hash),
            }
        )
    return pa.Table.from_pylist(rows)


def drawn(evolution: Evolution, chosen: Sequence[Genotype]) -> "list[DrawnCandidate]":
    """Candidates with a score."""
    from orchestrator.plots.evolution import DrawnCandidate

    front, places = on_front(evolution), _places(chosen)
    return [
        DrawnCandidate(
            parameters=evolution.parameters(genotype),
            fitness=fitness,
            random=origin(evolution, number) == "random",
            on_front=number in front,
            chosen=places.get(genotype.content_hash),
        )
        for number, ((genotype, _), fitness) in enumerate(
            zip(evolution.scored, evolution.fitness(), strict=True)
        )
        if math.isfinite(fitness)
    ]


def on_front(evolution: Evolution) -> set[int]:
    """Candidates with a score than whom nobody is better and no larger, by number from 0."""
    fitnesses = enumerate(evolution.fitness())
    scored = [(number, fitness) for number, fitness in fitnesses if math.isfinite(fitness)]
    points = [(fitness, evolution.parameters(evolution.scored[number][0])) for number, fitness in scored]
    return {scored[place][0] for place in fronts(points)[0]} if points else set()


def _places(chosen: Sequence[Genotype]) -> dict[str, int]:
    return {genotype.content_hash: place for place, genotype in enumerate(chosen, start=1)}


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
