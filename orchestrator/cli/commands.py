"""The commands by name. The module of a command is imported only when the command is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import argparse

    from orchestrator.cli.arguments import Parser


class CommandModule(Protocol):
    """A module of this package: the arguments and the work of one command, or of a few related ones."""

    def add_arguments(self, parser: "Parser", name: str) -> None:
        """Tell the parser of the command called `name` its arguments, examples and usage."""

    def run(self, arguments: "argparse.Namespace") -> int:
        """Do the command (`arguments.command` is its name) and return the exit code."""


@dataclass(frozen=True)
class Command:
    """A command of one or two words."""

    module: str
    """In this package; a `CommandModule`."""
    about: str
    """One line for the list of commands."""
    configured: bool = False
    """It takes CONFIG, and options of the configuration by dotted name."""

    def load(self) -> CommandModule:
        """Import the module."""
        return cast(CommandModule, import_module(f".{self.module}", __package__))


COMMANDS: Mapping[str, Command] = {
    "search": Command("runs", "search the architectures of generator and discriminator, derive both", True),
    "evolve": Command("runs", "breed generators, scored with inherited weights or by short trainings", True),
    "select": Command(
        "select", "choose one of many genotypes by short trainings, or replay recorded ones", True
    ),
    "reliability": Command(
        "runs", "measure which differences between genotypes a retraining recipe can show", True
    ),
    "retrain": Command("runs", "train a derived generator from scratch", True),
    "evaluate": Command("runs", "score a trained generator, or images in a folder", True),
    "evaluate stats": Command("runs", "compute a data set's reference statistics, export them as .npz", True),
    "evaluate selfcheck": Command("runs", "score CIFAR-10's own images, whose scores are known", True),
    "pipeline": Command("runs", "search, derive, retrain and score; resumes where it stopped", True),
    "sweep": Command("runs", "try many configurations with several seeds each (Optuna and Ray Tune)", True),
    "zoo retrain": Command("zoo", "train the published generators under one recipe, and compare them", True),
    "compare": Command("compare", "show runs and architectures side by side: which is best, and is it real"),
    "submit": Command("submit", "run one of the commands above on a Ray cluster, and watch it"),
    "submit list": Command("submit", "list the jobs of a cluster"),
    "submit status": Command("submit", "print the status of a job"),
    "submit logs": Command("submit", "print the output of a job"),
    "submit stop": Command("submit", "stop a job as Ctrl-C would; submitted again, it resumes"),
    "generate": Command("generator", "make images with a trained generator"),
    "export": Command("generator", "write a trained generator as ONNX or for torch.export, and check it"),
    "genotype": Command("genotype", "show, draw, list and convert architectures"),
    "genotype show": Command("genotype", "print an architecture, edge by edge, and what it costs"),
    "genotype draw": Command("genotype", "draw an architecture as .png or .svg"),
    "genotype list": Command("genotype", "list the published architectures with their published scores"),
    "genotype convert": Command("genotype", "convert between our .json and the .npy of the released code"),
    "records rebuild": Command("records", "make MLflow's records again from the folders of the runs"),
    "ui": Command("ui", "open the runs in MLflow's web interface, on this machine only"),
}
