"""Reports as the loops yield them, and how tests open runs."""

import time
from pathlib import Path

import torch

from orchestrator.tracking import TrackedRun, Tracker
from search_space.genotype import Genotype
from search_space.sampling import sample_genotype
from trainers.report import Report

GENERATOR = sample_genotype("generator", seed=1).model_copy(update={"provenance": None})
DISCRIMINATOR = sample_genotype("discriminator", seed=1).model_copy(update={"provenance": None})
PARAMS = {"seed": 3, "search": {"steps": 100, "generator": {"channels": 8}}}


def opened(tracker: Tracker, stage: str = "search", id: str = "demo", **changed) -> TrackedRun:
    given = {"name": f"{id} {stage}", "params": PARAMS, "tags": {"advnas.workers": "2"}} | changed
    return tracker.run(id, stage, **given)


def report(step: int, *genotypes: Genotype, grey: int | None = None, **metrics: float) -> Report:
    """With an image of one grey, if given."""
    return Report(
        step=step,
        metrics=metrics or {"loss": 1 / step},
        genotypes={genotype.network: genotype for genotype in genotypes},
        samples=None if grey is None else torch.full((64, 1, 16, 16), grey, dtype=torch.uint8),
    )


def with_edges(genotype: Genotype, cell: int, **replaced: str) -> Genotype:
    """The genotype with other primitives: e3="none" for the edge of that place in the cell."""
    cells = [list(names) for names in genotype.cells]
    for edge, primitive in replaced.items():
        cells[cell][int(edge.removeprefix("e"))] = primitive
    return Genotype(network=genotype.network, cells=tuple(map(tuple, cells)))


def settle(folder: Path, seconds: float = 120) -> None:
    """Wait until the thread that writes to MLflow has taken all that waits below the folder."""
    until = time.monotonic() + seconds
    while list(folder.rglob("*_unsent/*.json")) and time.monotonic() < until:
        time.sleep(0.01)
