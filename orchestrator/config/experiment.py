"""The configuration of a run as one frozen value, from a YAML file and options on the command line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, NonNegativeInt, PositiveInt, ValidationError, model_validator

from orchestrator.config.automatic import followed
from orchestrator.config.cluster import ClusterConfig, TrackingConfig
from orchestrator.config.errors import ConfigError, explain
from orchestrator.config.evolution import EvolveStage
from orchestrator.config.files import PRESETS, read_source, write_yaml
from orchestrator.config.overrides import apply_overrides, options, parsed
from orchestrator.config.reliability import ReliabilityConfig
from orchestrator.config.renamed import with_modern_names
from orchestrator.config.roots import Root, RunName, StoreAddress, scratch
from orchestrator.config.selection import SelectStage
from orchestrator.config.stages import RetrainStage, SearchStage
from search_space.frozen import Frozen
from trainers.datasets.config import DataConfig
from trainers.options import ComputeConfig
from trainers.strategies.registry import STRATEGIES

__all__ = ["PRESETS", "Experiment", "experiment_of", "load_experiment", "to_yaml", "with_overrides"]


class Experiment(Frozen):
    """All settings that determine the result of a run, and the place where it runs."""

    name: RunName | None = None
    """Name of the run. The same name resumes it where it stopped; null starts a new run under a fresh
    name."""
    seed: NonNegativeInt = 0
    """Seed of everything random: parameters, latents, order of the images, Gumbel noise."""
    root: Root = Field(default=Path("runs"), validate_default=True)
    """Folder of all runs, checkpoints and caches, shared by all machines of a cluster; or an object
    store (s3://BUCKET/PREFIX, gs://, abfss://, hdfs://), which needs an MLflow server."""
    mirror: StoreAddress | None = None
    """s3://BUCKET/PREFIX (or gs://, abfss://, hdfs://, file://): gets a copy of every checkpoint and of what
    stages leave. A run started in an empty root goes on from there. Needs an MLflow server."""
    keep_checkpoints: PositiveInt = 2
    """Number of newest checkpoints that are kept of each stage. A retraining also keeps its best one."""
    data: DataConfig
    """The images that networks learn from."""
    search: SearchStage
    select: SelectStage | None = None
    """How one of many searched genotypes is chosen; null: a pipeline retrains the last one."""
    evolve: EvolveStage = EvolveStage()
    """How `advnas evolve` breeds genotypes."""
    retrain: RetrainStage
    reliability: ReliabilityConfig = ReliabilityConfig()
    """How `advnas reliability` measures which differences the recipe of `retrain` can show."""
    compute: ComputeConfig = ComputeConfig()
    cluster: ClusterConfig = ClusterConfig()
    tracking: TrackingConfig = TrackingConfig()

    @property
    def folder(self) -> Path:
        """Of all runs and caches on this machine: the root, or the machine's scratch folder for it."""
        return scratch(self.root) if isinstance(self.root, str) else self.root

    @property
    def object_store(self) -> str | None:
        """The root, if that is an object store."""
        return self.root if isinstance(self.root, str) else None

    @property
    def tracking_uri(self) -> str:
        """Where MLflow keeps this run."""
        return self.tracking.uri or default_tracking_uri(self.folder)

    @model_validator(mode="before")
    @classmethod
    def _followed(cls, document: Any) -> Any:
        return followed(document)

    @model_validator(mode="after")
    def _parts_fit(self) -> "Experiment":
        if misfits := [line for check in MISFITS for line in check(self)]:
            raise ValueError("\n".join(misfits))
        return self


def default_tracking_uri(root: Path) -> str:
    """MLflow's address of the embedded database."""
    return f"sqlite:///{database(root)}"


def database(root: Path) -> Path:
    """The embedded MLflow database of a folder of runs."""
    return root / "mlflow.db"


def _misfits_of_images(experiment: Experiment) -> Iterator[str]:
    """Networks whose images are not those of the data; each line begins with the dotted name at fault."""
    size, channels = experiment.data.image_size, experiment.data.channels
    if size % 8 or size < 16:
        yield f"data.image_size: must be a multiple of 8 from 16 on; use {max(16, size // 8 * 8)}"
        return
    for stage, config in (("search", experiment.search), ("retrain", experiment.retrain)):
        made = config.generator.image_size
        if made != size:
            yield (
                f"{stage}.generator.bottom_width: makes images of {made}x{made}, those of data are "
                f"{size}x{size}; use {size // 8}"
            )
        for kind, network in (("generator", config.generator), ("discriminator", config.discriminator)):
            if network.image_channels != channels:
                yield f"{stage}.{kind}.image_channels: data.channels is {channels}; use {channels}"


def _misfits_of_batches(experiment: Experiment) -> Iterator[str]:
    """Batches that the workers cannot share equally."""
    workers = max(experiment.cluster.num_workers, 1)
    for name, size, parts in (
        ("search.batch_size", experiment.search.batch_size, 2 * workers),
        ("search.generator_batch_size", experiment.search.generator_batch_size, workers),
        ("retrain.batch_size", experiment.retrain.batch_size, workers),
        ("retrain.generator_batch_size", experiment.retrain.generator_batch_size, workers),
    ):
        if size % parts:
            halves = "each of whom halves its share" if parts == 2 * workers else "in equal shares"
            below, above = size // parts * parts, (size // parts + 1) * parts
            yield (
                f"{name}: does not divide among {workers} workers, {halves}; "
                f"use {f'{below} or ' if below else ''}{above}"
            )


def _misfits_of_stores(experiment: Experiment) -> Iterator[str]:
    """An object store cannot hold a database that is written to, and needs no copy in another one."""
    if experiment.object_store and experiment.mirror:
        yield "mirror: root is an object store already; use null, or a local root"
    name = "root" if experiment.object_store else "mirror"
    if (experiment.object_store or experiment.mirror) and experiment.tracking_uri.startswith("sqlite:"):
        yield (
            f"{name}: MLflow's database would stay on this machine, as SQLite needs a disk; set tracking.uri "
            "to a server (http://...)"
        )


def _misfits_of_losses(experiment: Experiment) -> Iterator[str]:
    """Losses that differentiate a discriminator twice, computed by what can be differentiated once."""
    for stage, config in (("search", experiment.search), ("retrain", experiment.retrain)):
        if not config.loss.penalizes_gradients:
            continue
        penalty = f"the penalty of {stage}.loss differentiates twice"
        if experiment.compute.backend == "frequency":
            yield f"compute.backend: {penalty}, frequency once; use auto, direct or op_by_op"
        if experiment.compute.compile:
            yield f"compute.compile: {penalty}, compiled networks once; use false"


def _misfits_of_extractors(experiment: Experiment) -> Iterator[str]:
    """The classifier of digits, asked about anything else."""
    if experiment.data.name == "digits":
        return
    for stage, config in (("search", experiment.search), ("retrain", experiment.retrain)):
        if config.evaluation.extractor == "digits":
            yield (
                f"{stage}.evaluation.extractor: knows handwritten digits alone, data is"
                f" {experiment.data.name}; use efficientnet_lite0"
            )


def _misfits_of_metrics(experiment: Experiment) -> Iterator[str]:
    """The duality gap where nobody plays, or where nobody measures it."""
    if "gap" in experiment.retrain.evaluation.metrics:
        yield "retrain.evaluation.metrics: gap is measured in searches; name it in search.evaluation.metrics"
    strategy = experiment.search.strategy
    if "gap" in experiment.search.evaluation.metrics and not strategy.plays:
        players = " or ".join(name for name, each in STRATEGIES.items() if each.plays)
        yield (
            "search.evaluation.metrics: gap needs a G and a D that play each other, and "
            f"{strategy.name} trains none; use {players} as search.strategy, or another metric"
        )


def _misfits_of_strategies(experiment: Experiment) -> Iterator[str]:
    """A strategy that cannot search the space, unless an evolution by short trainings does without one."""
    fault = experiment.search.misfit
    if fault and not (fault.startswith("strategy.") and experiment.evolve.fitness == "training"):
        yield f"search.{fault}"


MISFITS = (
    _misfits_of_images,
    _misfits_of_batches,
    _misfits_of_stores,
    _misfits_of_losses,
    _misfits_of_extractors,
    _misfits_of_metrics,
    _misfits_of_strategies,
)


def load_experiment(source: str, overrides: Mapping[str, str] | None = None) -> Experiment:
    """The run of a preset or a YAML file, with options from the command line (dotted name -> text).

    Raises:
        ConfigError: no such preset or file, or anything wrong in it or in the options.
    """
    return experiment_of(read_source(source), overrides or {})


def experiment_of(document: Mapping[str, Any], overrides: Mapping[str, str]) -> Experiment:
    """The run that a configuration file's content and options from the command line stand for.

    Raises:
        ConfigError: anything wrong in either.
    """
    known = options(Experiment)
    document, texts = with_modern_names(document, overrides, known)
    values = {name: parsed(name, text, known) for name, text in texts.items()}
    return _validated(apply_overrides(document, values, known))


def with_overrides(experiment: Experiment, values: Mapping[str, Any]) -> Experiment:
    """Another run that differs in the named options; validated like any other.

    Raises:
        ConfigError: an unknown name, or a value that does not fit.
    """
    return _validated(apply_overrides(experiment.model_dump(mode="json"), values, options(Experiment)))


def to_yaml(experiment: Experiment) -> str:
    """The complete run as a configuration file that loads as an equal value."""
    return write_yaml(experiment.model_dump(mode="json"))


def _validated(document: Mapping[str, Any]) -> Experiment:
    try:
        return Experiment.model_validate(document)
    except ValidationError as error:
        raise ConfigError(explain(error, document, list(options(Experiment)))) from None
