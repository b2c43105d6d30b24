"""Finding genotypes: in the zoo, in a file, of a run in the root, in MLflow."""

from collections.abc import Mapping
from pathlib import Path

from orchestrator.artifacts.resolve import FILES, Meant, resolve, search_folders, selection_folders
from orchestrator.checkpoints.store import CheckpointStore
from orchestrator.checkpoints.stored_folder import bring_run
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment
from orchestrator.tracking.artifacts import fetch
from search_space.genotype import Genotype
from search_space.zoo.published import PUBLISHED, find_genotype


def genotypes_to_retrain(experiment: Experiment) -> Mapping[str, Genotype]:
    """The genotypes that `retrain.genotype` names, by network; a run of this root gives both of its networks.

    null takes what the run of the same name has searched or selected.

    Raises:
        UserError: there is no such run; or what is named is neither in the zoo, a file nor a searched run.
    """
    source, name = experiment.retrain.genotype, experiment.name
    bring_run(experiment, source or name)
    if source is None and name and (own := searched_genotypes(experiment.folder / name)):
        _require_generator(own, name, "name")
        return with_named_discriminator(experiment, own)
    if source is None:
        generators = [name for name, entry in PUBLISHED.items() if entry.genotype.network == "generator"]
        raise ConfigError(
            f"retrain.genotype = null: name one to retrain: {', '.join(generators)}, "
            "a .json or .npy file, or a run that has searched"
        )
    found = named_genotypes(source, experiment.folder, experiment.tracking_uri)
    _require_generator(found, source, "retrain.genotype")
    return with_named_discriminator(experiment, found)


def with_named_discriminator(experiment: Experiment, found: Mapping[str, Genotype]) -> Mapping[str, Genotype]:
    """The genotypes with the one that `retrain.discriminator.architecture` names, if it names one.

    Raises:
        UserError: it names none, or a generator's.
    """
    source = experiment.retrain.discriminator.architecture
    if source in ("fixed", "derived"):
        return found
    bring_run(experiment, source)
    named = named_genotypes(source, experiment.folder, experiment.tracking_uri)
    if "discriminator" not in named:
        raise ConfigError(
            f"retrain.discriminator.architecture = {source}: is a generator's; use fixed, derived, or name "
            "a discriminator's"
        )
    return {**found, "discriminator": named["discriminator"]}


def generator_genotype(source: str, root: Path, tracking_uri: str, option: str) -> Genotype:
    """A generator's genotype by published name, by file, or by the run in `root` or MLflow that found it.

    Raises:
        UserError: it is none of these, or a discriminator's; `option` is what the user gave it as.
    """
    found = named_genotypes(source, root, tracking_uri)
    _require_generator(found, source, option)
    return found["generator"]


def named_genotypes(source: str, root: Path, tracking_uri: str) -> Mapping[str, Genotype]:
    """The genotypes by network: both of a run, one of a published name or a file.

    Raises:
        UserError: the source is none of these, or cannot be read.
    """
    match resolve(source, root, ("address", "published", "searched run", "selected run")):
        case Meant("address"):
            files = fetch(source, tuple(FILES.values()), tracking_uri, root / "cache")
            return {network: Genotype.load(files[file]) for network, file in FILES.items() if file in files}
        case Meant("searched run" | "selected run", run):
            return searched_genotypes(run)
        case _:
            genotype = find_genotype(source)
            return {genotype.network: genotype}


def _require_generator(found: Mapping[str, Genotype], source: str, option: str) -> None:
    if "generator" not in found:
        raise ConfigError(f"{option} = {source}: is a discriminator's; name a generator's")


def run_width(run: Path, network: str) -> dict[str, int]:
    """Widths of a run's network, in its retraining, else in its search; empty if unknown."""
    for stage in ("retrain", "search"):
        for folder in (run / stage, *sorted(run.glob(f"*/{stage}"))):
            store = CheckpointStore(folder / "checkpoints", keep=1)
            # A retraining may have the fixed discriminator, which has no genotype.
            if (newest := store.latest()) and f"{stage}.{network}.channels" in newest.meta.identity:
                found = newest.meta.identity
                names = ("channels", "bottom_width", "latent_dim", "latent_parts", "image_channels")
                widths = {name: found.get(f"{stage}.{network}.{name}") for name in names}
                if widths["bottom_width"] is None:  # a discriminator's images are those of the generator
                    widths["bottom_width"] = found.get(f"{stage}.generator.bottom_width")
                return {name: width for name, width in widths.items() if isinstance(width, int)}
    return {}


def searched_genotypes(run: Path) -> dict[str, Genotype]:
    """What a run's search has derived, by network, and of many what its selection has chosen; empty if there
    is no such run.
    """
    found: dict[str, Genotype] = {}
    for folder in (*search_folders(run)[-1:], *selection_folders(run)[-1:]):
        for network, file in FILES.items():
            if (path := folder / file).is_file():
                found[network] = Genotype.load(path)
    return found
