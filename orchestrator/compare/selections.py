"""Contestants out of a selection: every candidate where it stood last."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.compare.contestant import Contestant, Training
from orchestrator.selection.result import Selection, Standing
from search_space.genotype import Genotype
from search_space.networks import GeneratorConfig


def candidates_of(
    file: Path, run: str, width: GeneratorConfig, protocol: Mapping[str, str], recipe: Mapping[str, str]
) -> Iterator[Contestant]:
    """Of a selection's JSON. Those dropped early were trained less, which their recipe says."""
    selection = Selection.model_validate_json(file.read_bytes())
    metric = selection.config.metric
    for standing in selection.ranking:
        yield Contestant(
            name=f"{run}: {standing.name}",
            genotype=Genotype.from_rows("generator", json.loads(standing.genotype)),
            width=width,
            data=recipe["data.name"],
            metrics=(metric,),
            protocol=protocol,
            recipe={**recipe, "retrain.steps": str(standing.step)},
            trainings=tuple(_trainings(selection, standing, run, metric)),
        )


def _trainings(selection: Selection, standing: Standing, run: str, metric: str) -> Iterator[Training]:
    for seed, score in zip(standing.seeds, standing.scores, strict=True):
        curve = [
            (rung.step, each.scores[each.seeds.index(seed)])
            for rung in selection.rungs
            for each in rung.standings
            if each.genotype == standing.genotype and seed in each.seeds
        ]
        yield Training(f"{run} {standing.name} {seed}", run, seed, {metric: score}, {metric: curve})
    for lost in standing.diverged:
        yield Training(f"{run} {standing.name} {lost.seed}", run, lost.seed, {}, diverged=lost.reason)
