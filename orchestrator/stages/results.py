"""The results of the stages, and the JSON form in which they are printed and stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from search_space.genotype import Genotype
from trainers.files import written_whole

UNPRINTED = {"printed": "not"}
"""Metadata of fields that only the next stage needs."""
MERGED = {"printed": "merged"}
"""Metadata of fields that are printed as if their own fields stood in their place."""


@dataclass(frozen=True)
class RunIdentity:
    """The names by which the run of a stage is found again."""

    name: str
    """The folder below the root."""
    run_id: str
    """The id of the run in MLflow."""
    tracking_uri: str


@dataclass(frozen=True)
class GenotypeFile:
    """A genotype and the file that holds it."""

    genotype: Genotype
    file: Path


@dataclass(frozen=True)
class Trained:
    """The part that results of searches and retrainings share."""

    step: int
    metrics: Mapping[str, float]
    """Metrics of the last report."""
    genotypes: Mapping[str, GenotypeFile]
    """The genotypes by network: derived by a search, trained by a retraining."""
    checkpoint: Path
    workers: Mapping[int, int]
    """The number of workers, by the step after which they began."""


@dataclass(frozen=True)
class Searched:
    """A finished search."""

    run: RunIdentity = field(metadata=MERGED)
    trained: Trained = field(metadata=MERGED)
    samples: Path | None
    """A grid of generated images; None where the strategy trains no network."""
    figures: Mapping[str, Path]
    trust: str | None
    """A sentence on how its inherited scores rank real trainings; None if there are none to compare."""
    folder: Path = field(metadata=UNPRINTED)
    """The folder with all genotypes that it derived on its way."""


@dataclass(frozen=True)
class Evolved:
    """A finished evolution."""

    run: RunIdentity = field(metadata=MERGED)
    metrics: Mapping[str, float]
    genotypes: Mapping[str, GenotypeFile]
    """The best genotype."""
    others: int
    """The number of further genotypes, which a selection of this run compares too."""
    trust: str | None
    """A sentence on how its scores rank real trainings; None if the recipe was never measured."""
    candidates: Path
    """All scored candidates, as Parquet."""
    pareto: Path
    """A drawing of score against parameters, as PNG."""
    folder: Path = field(metadata=UNPRINTED)
    """The folder in which a selection finds all of them."""


@dataclass(frozen=True)
class Retrained:
    """A finished retraining."""

    run: RunIdentity = field(metadata=MERGED)
    trained: Trained = field(metadata=MERGED)
    samples: Path
    """A grid of generated images."""
    generator: Path
    """The best generator, averaged over training."""
    generator_step: int
    generator_score: Mapping[str, float]
    """The score of that step; empty if nothing was scored."""


@dataclass(frozen=True)
class Evaluated:
    """Scores of a generator or of images."""

    run: RunIdentity = field(metadata=MERGED)
    of: str
    against: str
    protocol: str
    """Name of the way of scoring."""
    metrics: Mapping[str, float]
    fingerprint: Mapping[str, str]
    """All values that two scores must share to be compared."""


@dataclass(frozen=True)
class MeasuredReliability:
    """The reliability of a retraining recipe, from repeated trainings of each genotype."""

    run: RunIdentity = field(metadata=MERGED)
    metrics: Mapping[str, float]
    sentence: str
    """A sentence about differences that the recipe cannot show."""
    changes: tuple[str, ...]
    """Advice on the recipe."""
    scores: Path
    """All scores of all trainings, as Parquet."""
    figures: Path
    """The measured figures, as JSON."""
    drawing: Path


@dataclass(frozen=True)
class RetrainedZoo:
    """Published generators, trained under one recipe."""

    run: RunIdentity = field(metadata=MERGED)
    metrics: Mapping[str, float]
    """Mean and deviation of every network's score."""
    verdict: tuple[str, ...]
    """A sentence: which is best, and which cannot be told from it."""
    left_out: Mapping[str, str]
    """Published name -> the reason why its network does not fit the configuration."""
    trainings: Path
    """All scores of all trainings, as JSON."""
    page: Path
    """The comparison, as HTML."""
    chart: Path
    """The first figure of the comparison, as PNG."""
    rows: Path
    """The rows of the comparison, as Parquet."""


@dataclass(frozen=True)
class StatisticsFile:
    """Statistics of real images, exported."""

    statistics: Path
    images: int
    """The number of images."""
    fingerprint: str
    """Hash of the images."""
    extractor: str


@dataclass(frozen=True)
class SelfChecked:
    """Scores of real images that equal the known ones."""

    metrics: Mapping[str, float]
    passed: bool = True


def document(result: object) -> Any:
    """A result as it is printed and stored: by field, without those that are None."""
    if isinstance(result, GenotypeFile):
        genotype = result.genotype
        return {"rows": genotype.listed, "hash": genotype.content_hash, "file": result.file}
    if is_dataclass(result):
        return _printed_fields(result)
    if isinstance(result, Mapping):
        return {name: document(value) for name, value in result.items()}
    return result


def _printed_fields(result: Any) -> dict[str, Any]:
    printed: dict[str, Any] = {}
    for each in fields(result):
        value = getattr(result, each.name)
        if value is None:
            continue
        if each.metadata == MERGED:
            printed |= document(value)
        elif each.metadata != UNPRINTED:
            printed[each.name] = document(value)
    return printed


def write_result(folder: Path, result: object) -> None:
    """Store a result in the folder of its stage, as `--json` prints it."""
    from pydantic_core import to_json

    with written_whole(folder / "result.json") as file:
        file.write(to_json(document(result), indent=2, inf_nan_mode="null", fallback=str))
