"""Where genotypes come from: the zoo, a file, or a run of this root."""

from collections.abc import Mapping
from pathlib import Path

from orchestrator.config import Experiment
from orchestrator.errors import ConfigError
from search_space.genotype import Genotype
from search_space.published import PUBLISHED, find_genotype


def genotypes_to_retrain(experiment: Experiment) -> Mapping[str, Genotype]:
    """The genotypes that `retrain.genotype` names, by network; a run of this root gives both of its networks.

    Raises:
        UserError: it is null, or neither in the zoo, a file nor a run that has searched.
    """
    source = experiment.retrain.genotype
    if source is None:
        raise ConfigError(
            f"retrain.genotype = null: name one to retrain: {', '.join(PUBLISHED)}, "
            "a .json or .npy file, or a run that has searched"
        )
    if source not in PUBLISHED and (found := searched_genotypes(experiment.root / source)):
        return found
    genotype = find_genotype(source)
    if genotype.network != "generator":
        raise ConfigError(f"retrain.genotype = {source}: is a discriminator's; name a generator's")
    return {"generator": genotype}


def searched_genotypes(run: Path) -> dict[str, Genotype]:
    """What a run's search has derived, by network; empty if there is no such run."""
    folders = [run, *sorted(run.glob("*/search")), run / "search"]
    for folder in reversed(folders):
        files = {network: folder / f"genotype_{network}.json" for network in ("generator", "discriminator")}
        if files["generator"].is_file():
            return {network: Genotype.load(path) for network, path in files.items() if path.is_file()}
    return {}
