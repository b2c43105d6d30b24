"""The meaning of a name: a published genotype, a file, an MLflow address, a run or a sweep in the root."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.tracking.artifacts import is_address
from search_space.zoo.published import PUBLISHED

FILES = {network: f"genotype_{network}.json" for network in ("generator", "discriminator")}
"""By network, in the folder of a stage and among the artifacts of its MLflow run."""
SWEEP_TABLE = "trials.parquet"
"""In the folder of a sweep."""

Kind = Literal[
    "published",
    "address",
    "genotype file",
    "generator file",
    "checkpoint",
    "statistics",
    "folder",
    "searched run",
    "selected run",
    "run",
    "sweep",
    "anything there",
]


@dataclass(frozen=True)
class Meant:
    """What a word was found to mean."""

    kind: Kind
    path: Path
    """The folder in the root of a run or sweep; otherwise the word as a path."""


def resolve(word: str, root: Path, kinds: tuple[Kind, ...]) -> Meant | None:
    """The first of the kinds that fits the word; None if none does.

    Each caller lists the kinds it accepts. Their order decides where a word fits several, such as a run named
    like a published genotype.
    """
    for kind in kinds:
        if RULES[kind](word, root):
            return Meant(kind, root / word if kind in IN_ROOT else Path(word))
    return None


def search_folders(run: Path) -> list[Path]:
    """Where a run's searches and its evolution have left what they found; the last counts."""
    evolved = [*sorted(run.glob("*/evolve")), run / "evolve"]
    return [*_folders(run, "search"), *filter(_has_a_genotype, evolved)]


def selection_folders(run: Path) -> list[Path]:
    """Where a run's selections have left what they chose; the last counts."""
    return _folders(run, "select")


def _folders(run: Path, stage: str) -> list[Path]:
    folders = [run, *sorted(run.glob(f"*/{stage}")), run / stage]
    return list(filter(_has_a_genotype, folders))


def _has_a_genotype(folder: Path) -> bool:
    return (folder / FILES["generator"]).is_file()


def _ends_in(*suffixes: str) -> Callable[[str, Path], bool]:
    """Match by the suffix alone. The code that reads the file reports a missing or damaged one."""
    return lambda word, _root: Path(word).suffix in suffixes


def _is_run(word: str, root: Path) -> bool:
    """A bare name only: a path may be a folder of images."""
    return Path(word).name == word and (root / word).is_dir()


def _is_there(word: str, root: Path) -> bool:
    return Path(word).expanduser().exists() or (root / word).is_dir()


RULES: Mapping[Kind, Callable[[str, Path], bool]] = {
    "published": lambda word, _root: word in PUBLISHED,
    "address": lambda word, _root: is_address(word),
    "genotype file": _ends_in(".json", ".npy"),
    "generator file": _ends_in(".pt"),
    "checkpoint": _ends_in(".pth"),
    "statistics": _ends_in(".npz"),
    "folder": lambda word, _root: Path(word).is_dir(),
    "searched run": lambda word, root: bool(search_folders(root / word)),
    "selected run": lambda word, root: bool(selection_folders(root / word)),
    "run": _is_run,
    "sweep": lambda word, root: (root / word / SWEEP_TABLE).is_file(),
    "anything there": _is_there,
}
IN_ROOT: frozenset[Kind] = frozenset({"searched run", "selected run", "run", "sweep"})
