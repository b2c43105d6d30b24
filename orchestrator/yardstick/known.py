"""Finished reliability runs in a root, found by their recipe."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.config.experiment import Experiment
from orchestrator.config.identity import IDENTITY_FILE, flatten
from orchestrator.config.renamed import modern_identity
from orchestrator.jobs.identity import identity
from orchestrator.jobs.job import Job
from orchestrator.yardstick.measured import Measured
from trainers.files import json_file

STAGE = "reliability"
"""Folder of a measurement, below the one of its run."""
FIGURES_FILE = "reliability.json"

Recipe = Mapping[str, Any]
"""The settings that decide a score besides genotype, seed and step: dotted name -> JSON value."""


TOLD = ("extractor", "samples")
"""Parts of a protocol that are options of an evaluation, unchanged."""


@dataclass(frozen=True)
class KnownReliability:
    """A measurement that applies to a recipe."""

    run: str
    measured: Measured

    def quoted(self, seeds: int) -> str:
        """A sentence about what that many seeds cannot show, and its source."""
        value, low, high = self.measured.correlation
        return (
            f"{self.measured.sentence_for(seeds)} (run {self.run}: two seeds agree by {value:.2f}, "
            f"{low:.2f} to {high:.2f})"
        )


FinishedRun = tuple[Recipe, KnownReliability]


def recipe_of(experiment: Experiment) -> dict[str, Any]:
    """The recipe of an experiment's retrainings, to their end."""
    trained = identity(Job("retrain", experiment, {}, experiment.folder))
    evaluation = experiment.retrain.evaluation.model_dump(mode="json", exclude={"every", "batch_size"})
    scoring = {f"retrain.evaluation.{name}": value for name, value in evaluation.items()}
    others = {"retrain.steps": experiment.retrain.steps, "search.space": experiment.search.space}
    recipe = {name: value for name, value in trained.items() if name != "seed"}
    return {**recipe, **scoring, **others}


def known_reliability(experiment: Experiment, metric: str) -> KnownReliability | None:
    """The most thorough measurement of the recipe by a finished run, by a score; None if there is none."""
    recipe = json.loads(json.dumps(recipe_of(experiment)))

    def applies(saved: Recipe) -> bool:
        modern = modern_identity(saved, recipe)
        return all(modern.get(name) == value for name, value in recipe.items())

    return most_thorough(
        known
        for saved, known in finished_runs(experiment.folder)
        if known.measured.metric == metric and applies(saved)
    )


def known_in_text(
    runs: Iterable[FinishedRun], metric: str, recipe: Mapping[str, str], protocol: Mapping[str, str]
) -> KnownReliability | None:
    """The reliability for a recipe and a protocol as records of runs have them."""

    def applies(saved: Recipe) -> bool:
        modern = modern_identity(saved, recipe)
        if modern.get("retrain.lr_decay") == "none":
            modern.pop("retrain.lr_decay_from", None)  # decides nothing then
        texts = flatten({name: value for name, value in modern.items() if name in recipe})
        scored = flatten(
            {name: modern.get(f"retrain.evaluation.{name}") for name in protocol if name in TOLD}
        )
        return (
            "retrain.steps" in texts
            and all(recipe[name] == text for name, text in texts.items())
            and all(protocol[name] == text for name, text in scored.items())
        )

    return most_thorough(known for saved, known in runs if known.measured.metric == metric and applies(saved))


def most_thorough(found: Iterator[KnownReliability]) -> KnownReliability | None:
    """The measurement with the most trainings; by name where several have as many."""
    return max(found, key=lambda each: (each.measured.degrees, each.run), default=None)


def finished_runs(root: Path) -> Iterator[FinishedRun]:
    """All measurements of a root with their recipes. Files that cannot be read say nothing."""
    for figures in sorted(root.glob(f"*/{STAGE}/{FIGURES_FILE}")):
        try:
            recipe = json_file(figures.parent / IDENTITY_FILE)
            measured = Measured.model_validate_json(figures.read_bytes())
        except (OSError, ValueError, ValidationError):
            continue
        yield recipe, KnownReliability(figures.parent.parent.name, measured)
