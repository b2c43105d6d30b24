"""Finding trained generators: of a run, in MLflow, in a generator.pt, in a released checkpoint."""

from dataclasses import dataclass
from pathlib import Path

from orchestrator.artifacts.genotypes import generator_genotype
from orchestrator.artifacts.resolve import Meant, resolve
from orchestrator.tracking.artifacts import fetch
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.generator import ImageGenerator
from search_space.networks.generator_file import load_generator
from search_space.zoo.published import PUBLISHED
from search_space.zoo.released_generator import load_released_generator

GENERATOR_FILE = "generator.pt"
"""What a retraining leaves: its best generator, averaged over training."""


@dataclass(frozen=True)
class TrainedGenerator:
    """A generator with weights."""

    network: ImageGenerator
    """On the processor, in evaluation mode."""
    genotype: Genotype
    file: Path
    run: str | None = None
    """Name of the run that has retrained it."""
    weights: str = "ema"
    """Averaged over training (`ema`), `raw`, or `unlabelled` where the file does not say."""


def find_generator(source: str, root: Path, tracking_uri: str, genotype: str | None) -> TrainedGenerator:
    """The generator that a source names; `genotype` names that of a released checkpoint.

    Raises:
        UserError: there is none of that name, or its file cannot be used.
    """
    found = generator_if_any(source, root, tracking_uri, genotype)
    if found is None:
        raise UserError(
            f"{source}: no trained generator of that name; give the name of a run in {root} that has "
            "retrained, runs:/ID of MLflow, a generator.pt, or a .pth checkpoint of the released code"
        )
    return found


def generator_if_any(
    source: str, root: Path, tracking_uri: str, genotype: str | None
) -> TrainedGenerator | None:
    """As `find_generator`; None if the source names nothing that should be a generator.

    Raises:
        UserError: the file cannot be used, or the run has retrained nothing.
    """
    match resolve(source, root, ("address", "checkpoint", "generator file", "run")):
        case Meant("address"):
            file = fetch(source, (GENERATOR_FILE,), tracking_uri, root / "cache")[GENERATOR_FILE]
            return TrainedGenerator(*load_generator(file), file)
        case Meant("checkpoint", path):
            return _released(path, root, tracking_uri, genotype)
        case Meant("generator file", path):
            return TrainedGenerator(*load_generator(path), path)
        case Meant("run", folder):
            file = retrained_generator(folder)
            return TrainedGenerator(*load_generator(file), file, run=source)
        case _:
            return None


def retrained_generator(folder: Path) -> Path:
    """The newest generator that a run has retrained, or that its selection has shipped.

    Raises:
        UserError: it has none.
    """
    files = (file for stage in ("retrain", "select") for file in folder.glob(f"**/{stage}/{GENERATOR_FILE}"))
    found = sorted(files, key=lambda path: path.stat().st_mtime)
    if not found:
        raise UserError(f"{folder}: no retrained generator there; run `advnas retrain` or `pipeline` first")
    return found[-1]


def _released(path: Path, root: Path, tracking_uri: str, genotype: str | None) -> TrainedGenerator:
    if genotype is None:
        raise UserError(
            f"{path}: a released checkpoint does not say its architecture; name it with --genotype: "
            f"{', '.join(PUBLISHED)}, a .json or .npy file, or a run"
        )
    found = generator_genotype(genotype, root, tracking_uri, "--genotype")
    released = load_released_generator(path, found)
    return TrainedGenerator(released.generator, found, path, weights=released.weights)
