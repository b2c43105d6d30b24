"""The trust in the supernets of a search: measured, drawn and recorded with the search."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from orchestrator.config.experiment import Experiment
from orchestrator.console.console import Console
from orchestrator.jobs.job import Job
from orchestrator.tracking import TrackedRun
from orchestrator.yardstick.trust import LARGEST, Trust, Truth, known_truth, standardised, trust_in
from search_space.genotype import Genotype
from search_space.sampling import count_parameters
from trainers.files import written_whole
from trainers.strategies.one_shot_config import OneShotConfig

if TYPE_CHECKING:
    from orchestrator.plots.trust import TrustFigure

FIGURE_FILE = "trust.png"
FIGURES_FILE = "trust.json"

ScoreAll = Callable[[Sequence[Genotype]], Iterable[tuple[Genotype, tuple[float, ...]]]]
"""Inherited scores of genotypes, in any order."""


@dataclass(frozen=True)
class Trusted:
    """The trust in the supernets of a search."""

    sentence: str
    drawing: Path
    figures: Path
    """The correlations with their intervals, as JSON."""


def trusted(
    experiment: Experiment, folder: Path, score: ScoreAll, run: TrackedRun, console: Console
) -> Trusted | None:
    """How inherited scores rank real trainings of the recipe; None where no reliability run has any.

    Leaves a figure and the correlations in the folder of the search and in MLflow.
    """
    truth = known_truth(experiment)
    if truth is None:
        return None
    trust = _known(folder, truth)
    if trust is None:
        console.say(f"trust: {len(truth.genotypes)} genotypes of run {truth.run} get inherited scores")
        trust = _measured(experiment, folder, truth, score)
    console.say(trust.sentence)
    drawing, figures = folder / FIGURE_FILE, folder / FIGURES_FILE
    run.files({file.name: file.read_bytes() for file in (drawing, figures)})
    run.scores(trust.metrics, {})
    run.tag({"advnas.trust": trust.sentence})
    return Trusted(trust.sentence, drawing, figures)


def trust_of_search(job: Job, run: TrackedRun, console: Console) -> Trusted | None:
    """How far the supernets of a finished search rank real trainings; None where it scores no paths."""
    checkpoint = job.checkpoints.latest()
    if checkpoint is None or not isinstance(job.experiment.search.strategy, OneShotConfig):
        return None

    def score(genotypes: Sequence[Genotype]) -> Iterator[tuple[Genotype, tuple[float, ...]]]:
        import torch

        from orchestrator.jobs.supernets import InheritedScores, supernets_of

        scores = InheritedScores(job.experiment, tuple(supernets_of(checkpoint)), torch.get_num_threads())
        return ((each, scores(each)) for each in genotypes)

    return trusted(job.experiment, job.folder, score, run, console)


def _known(folder: Path, truth: Truth) -> Trust | None:
    """The measurement before an interruption, if it has the same trainings."""
    if not (folder / FIGURES_FILE).is_file():
        return None
    found = Trust.model_validate_json((folder / FIGURES_FILE).read_bytes())
    return found if (found.run, found.genotypes, found.seeds) == (truth.run, *truth.scores.shape) else None


def _measured(experiment: Experiment, folder: Path, truth: Truth, score: ScoreAll) -> Trust:
    """The trust that inherited scores of the truth's genotypes give, drawn and written down."""
    from orchestrator.plots.trust import trust as figure

    found = {genotype.content_hash: scores for genotype, scores in score(truth.genotypes)}
    inherited = np.array([found[each.content_hash] for each in truth.genotypes])
    widths = experiment.retrain.generator
    trust = trust_in(inherited, truth, [count_parameters(each, widths) for each in truth.genotypes])
    (folder / FIGURE_FILE).write_bytes(figure(_shown(trust, truth, inherited)))
    with written_whole(folder / FIGURES_FILE) as file:
        file.write(trust.model_dump_json(indent=2).encode())
    return trust


def _shown(trust: Trust, truth: Truth, inherited: np.ndarray) -> "TrustFigure":
    from orchestrator.plots.trust import TrustFigure

    several = len(trust.each) > 1
    rows = [
        *([(f"all {len(trust.each)} supernets", trust.spearman)] if several else []),
        *((f"supernet {number}", one) for number, one in enumerate(trust.each, start=1)),
        ("all, by Kendall's tau" if several else "Kendall's tau", trust.kendall),
        ("number of parameters", trust.parameters),
        ("another seed of the training", trust.seeds_agree),
    ]
    agree = trust.supernets_agree
    others = f"; supernets agree with each other by {agree:.2f}" if agree is not None else ""
    value, low, high = trust.spearman
    return TrustFigure(
        inherited=standardised(inherited),
        trained=np.where(truth.scores < LARGEST, truth.scores, np.inf),
        metric=trust.metric,
        rows=[(name, (each.value, each.low, each.high)) for name, each in rows],
        title=f"{trust.genotypes} genotypes: Spearman {value:.2f} ({low:.2f} to {high:.2f}){others}",
    )
