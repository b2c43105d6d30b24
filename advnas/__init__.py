"""Neural architecture search for GANs, from Python.

    import advnas

    run = advnas.pipeline("digits", {"name": "first", "search.steps": 100})
    print(run.metrics)
    images = advnas.generate(advnas.load_generator("first"), count=16)

Every function does what the command of the same name does, with the same options and the same folder of
runs, so that both can be mixed. `import advnas` takes milliseconds: each function imports what it needs on
its first use.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from advnas._imports import isolate

if TYPE_CHECKING:
    from advnas.architectures import build_discriminator as build_discriminator
    from advnas.architectures import build_generator as build_generator
    from advnas.architectures import generate as generate
    from advnas.architectures import load_generator as load_generator
    from advnas.architectures import load_genotype as load_genotype
    from advnas.architectures import published as published
    from advnas.results import compare as compare
    from advnas.results import curves as curves
    from advnas.runs import evaluate as evaluate
    from advnas.runs import load_config as load_config
    from advnas.runs import pipeline as pipeline
    from advnas.runs import retrain as retrain
    from advnas.runs import search as search
    from advnas.runs import select as select
    from orchestrator.config.experiment import Experiment as Experiment
    from search_space.errors import UserError as UserError
    from search_space.genotype import Genotype as Genotype

isolate()

MODULES = {
    "architectures": (
        "load_genotype", "published", "build_generator", "build_discriminator", "load_generator", "generate",
    ),
    "runs": ("load_config", "search", "select", "retrain", "evaluate", "pipeline"),
    "results": ("compare", "curves"),
    "orchestrator.config.experiment": ("Experiment",),
    "search_space.errors": ("UserError",),
    "search_space.genotype": ("Genotype",),
}  # fmt: skip
"""Module -> the public names that it defines."""

HOME = {name: module for module, names in MODULES.items() for name in names}

__all__ = ["__version__", *HOME]  # noqa: PLE0604

try:
    __version__ = version("advnas")
except PackageNotFoundError:
    __version__ = "not installed"


def __getattr__(name: str) -> Any:
    """Import the module of a public name when the name is first used."""
    if name not in HOME:
        raise AttributeError(f"module 'advnas' has no attribute {name!r}")
    value = getattr(import_module(f"advnas.{HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return __all__
