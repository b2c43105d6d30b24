"""Candidates from the trainings of a grid: every genotype with its seeds as repeats."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.artifacts.generators import GENERATOR_FILE
from orchestrator.compare.candidate import Candidate, Training
from orchestrator.trainings.record import Record, RecordedNetwork, RecordedTraining
from search_space.networks.config import GeneratorConfig
from search_space.zoo.published import PUBLISHED
from search_space.zoo.results import PublishedResult


def candidates_of(
    file: Path,
    run: str,
    width: GeneratorConfig,
    protocol: Mapping[str, str],
    recipe: Mapping[str, str],
    folder: Path,
) -> Iterator[Candidate]:
    """All networks of a file; generators are taken from the folder, where that is on this machine."""
    record = Record.read(file)
    for network in record.networks:
        yield Candidate(
            name=f"{run}: {network.name}",
            genotype=network.genotype,
            width=width,
            data=recipe["data.name"],
            metrics=record.metrics,
            protocol=protocol,
            recipe=recipe,
            trainings=tuple(_training(record, network, each, run, folder) for each in network.trainings),
            published=_published(network),
        )


def _training(
    record: Record, network: RecordedNetwork, training: RecordedTraining, run: str, folder: Path
) -> Training:
    curves = {
        name: [(step, at[name]) for step, at in training.scores.items() if name in at]
        for name in record.metrics
    }
    file = folder / network.genotype.content_hash / f"seed-{training.seed}" / GENERATOR_FILE
    last = training.scores.get(record.steps, {})
    reason = training.diverged or ("" if record.metrics[0] in last else "its last score is not finite")
    return Training(
        name=f"{run} {network.name} {training.seed}",
        run=run,
        seed=training.seed,
        scores={} if reason else last,
        curves=curves,
        hours=training.hours,
        device=record.device,
        generator=file if file.is_file() and not reason else None,
        diverged=reason,
    )


def _published(network: RecordedNetwork) -> tuple[PublishedResult, ...]:
    hash = network.genotype.content_hash
    same = (entry for entry in PUBLISHED.values() if entry.genotype.content_hash == hash)
    return tuple(result for entry in same for result in entry.results)
