"""The results of the stages, and the JSON form in which they are printed and stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from search_space.genotype import Genotype

UNPRINTED = {"printed": "not"}
"""Metadata of fields that only the next stage needs."""
MERGED = {"printed": "merged"}
"""Metadata of fields that are printed as if their own fields stood in their place."""


@dataclass(frozen=True)
class RunIdentity:
    """By what the run of a stage is found again."""

    name: str
    """The folder below the root."""
    run_id: str
    """MLflow's."""
    tracking_uri: str


@dataclass(frozen=True)
class GenotypeFile:
    """A genotype and the file that holds it."""

    genotype: Genotype
    file: Path


@dataclass(frozen=True)
class Trained:
    """What searches and retrainings have in common."""

    step: int
    metrics: Mapping[str, float]
    """Metrics of the last report."""
    genotypes: Mapping[str, GenotypeFile]
    """By network: derived by a search, trained by a retraining."""
    checkpoint: Path
    workers: Mapping[int, int]
    """How many trained, by the step after which they began."""


@dataclass(frozen=True)
class Searched:
    """A finished search."""

    run: RunIdentity = field(metadata=MERGED)
    trained: Trained = field(metadata=MERGED)
    samples: Path | None
    """A grid of generated images; None where the strategy trains no network."""
    figures: Mapping[str, Path]
    trust: str | None
    """How its inherited scores rank real trainings; None where there are none to compare."""
    folder: Path = field(metadata=UNPRINTED)
    """Where it recorded all genotypes that it derived on its way."""


@dataclass(frozen=True)
class Evolved:
    """A finished evolution."""

    run: RunIdentity = field(metadata=MERGED)
    metrics: Mapping[str, float]
    genotypes: Mapping[str, GenotypeFile]
    """The best one."""
    others: int
    """Genotypes besides, which a selection of this run compares too."""
    trust: str | None
    """How its scores rank real trainings; None where no reliability run has measured the recipe."""
    candidates: Path
    """All that were scored, as Parquet."""
    pareto: Path
    """Score against parameters, as PNG."""
    folder: Path = field(metadata=UNPRINTED)
    """Where a selection finds all of them."""


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
    """Empty where nothing was scored."""


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
    """All that two scores must share to be compared."""


@dataclass(frozen=True)
class MeasuredReliability:
    """What two trainings of one genotype tell about a retraining recipe."""

    run: RunIdentity = field(metadata=MERGED)
    metrics: Mapping[str, float]
    sentence: str
    """What the recipe cannot show."""
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
    """Which is best, and which cannot be told from it."""
    left_out: Mapping[str, str]
    """Published name -> why its network does not fit the configuration."""
    trainings: Path
    """All scores of all trainings, as JSON."""
    page: Path
    """The comparison, as HTML."""
    chart: Path
    """Its first figure, as PNG."""
    rows: Path
    """Its rows, as Parquet."""


@dataclass(frozen=True)
class StatisticsFile:
    """Statistics of real images, exported."""

    statistics: Path
    images: int
    """How many."""
    fingerprint: str
    """Hash of the images."""
    extractor: str


@dataclass(frozen=True)
class SelfChecked:
    """Scores of real images that were as known."""

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

    folder.mkdir(parents=True, exist_ok=True)
    content = to_json(document(result), indent=2, inf_nan_mode="null", fallback=str)
    (folder / "result.json").write_bytes(content)
