"""Candidates from a selection, each with its scores at the last rung that it reached."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.artifacts.generators import GENERATOR_FILE
from orchestrator.compare.candidate import Candidate, Training
from orchestrator.selection.curves import genotype_of
from orchestrator.selection.result import RankedCandidate, Selection
from search_space.networks.config import GeneratorConfig


def candidates_of(
    file: Path,
    run: str,
    width: GeneratorConfig,
    protocol: Mapping[str, str],
    recipe: Mapping[str, str],
    folder: Path,
) -> Iterator[Candidate]:
    """The candidates in a selection's JSON. The recipe of a candidate that was dropped early has fewer steps.

    Their generators are taken from the selection's folder, where that is on this machine.
    """
    selection = Selection.model_validate_json(file.read_bytes())
    metric = selection.config.metric
    for ranked in selection.ranking:
        genotype = genotype_of(ranked.genotype)
        trainings = _trainings(selection, ranked, run, folder / genotype.content_hash)
        yield Candidate(
            name=f"{run}: {ranked.name}",
            genotype=genotype,
            width=width,
            data=recipe["data.name"],
            metrics=(metric,),
            protocol=protocol,
            recipe={**recipe, "retrain.steps": str(ranked.step)},
            trainings=tuple(trainings),
        )


def _trainings(selection: Selection, ranked: RankedCandidate, run: str, folder: Path) -> Iterator[Training]:
    metric = selection.config.metric
    for seed, score in zip(ranked.seeds, ranked.scores, strict=True):
        curve = [
            (rung.step, each.scores[each.seeds.index(seed)])
            for rung in selection.rungs
            for each in rung.standings
            if each.genotype == ranked.genotype and seed in each.seeds
        ]
        file = folder / f"seed-{seed}" / GENERATOR_FILE
        yield Training(
            name=f"{run} {ranked.name} {seed}",
            run=run,
            seed=seed,
            scores={metric: score},
            curves={metric: curve},
            generator=file if file.is_file() else None,
        )
    for lost in ranked.diverged:
        yield Training(f"{run} {ranked.name} {lost.seed}", run, lost.seed, {}, diverged=lost.reason)
