"""Published genotypes and results as tables, for people and for programs."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from orchestrator.artifacts.cost import published_parameters
from search_space.zoo.published import PUBLISHED, PublishedGenotype
from search_space.zoo.results import RESULTS, PublishedResult


def genotypes(space: str | None = None) -> dict[str, Any]:
    """Every published genotype, of one space or of all, with the scores that belong to exactly it."""
    return {"genotypes": [_row(name, published) for name, published in _of_space(space).items()]}


def results() -> dict[str, Any]:
    """Every published result; only those of one protocol and data set may be ranked together."""
    return {"results": [asdict(result) for result in RESULTS]}


def genotypes_in_words(space: str | None = None) -> Iterator[str]:
    """A line a genotype, and below it what it scored."""
    yield "parameters: of generators at 256 channels for 32x32, of discriminators at 128"
    for name, published in _of_space(space).items():
        genotype, count = published.genotype, published_parameters(published.genotype)
        identity = f"{name:<28}  {genotype.network:<13}  {genotype.space:<14}  {genotype.content_hash}"
        yield f"{identity}  {count:>10,}  {published.source}"
        for result in published.results:
            yield f"    {result.dataset:<8} {scores(result)}  {result.protocol}"
        if published.note:
            yield f"    {published.note}"


def _of_space(space: str | None) -> dict[str, PublishedGenotype]:
    return {name: entry for name, entry in PUBLISHED.items() if space in (None, entry.genotype.space)}


def results_in_words() -> Iterator[str]:
    """A line a result; those of a data set together, the protocol last."""
    for dataset in dict.fromkeys(result.dataset for result in RESULTS):
        yield dataset
        for result in (result for result in RESULTS if result.dataset == dataset):
            conditions = "; ".join(filter(None, (result.protocol, result.note, result.source)))
            yield f"  {result.method:<18} {result.year}  {scores(result)}  {conditions}"


def scores(result: PublishedResult) -> str:
    """FID and Inception score in columns; a dash where no figure is known."""
    mean, deviation = result.inception_score, result.inception_score_std
    shown = "-" if mean is None else f"{mean:.2f}" + (f" +- {deviation:.2f}" if deviation else "")
    return f"FID {result.fid:>5.2f}  IS {shown:<13}"


def _row(name: str, published: PublishedGenotype) -> dict[str, Any]:
    return {
        "name": name,
        "network": published.genotype.network,
        "space": published.genotype.space,
        "hash": published.genotype.content_hash,
        "parameters": published_parameters(published.genotype),
        "source": published.source,
        "results": [asdict(result) for result in published.results],
        "note": published.note,
    }
