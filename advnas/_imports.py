"""Importing the project's packages as parts of `advnas`, whatever the user's folder contains.

The packages `orchestrator`, `search_space` and `trainers` lie beside `advnas`. A user's folder may have
packages of the same names, which Python finds first. Therefore `advnas` imports its own ones under names
that nobody else has: the file `trainers/config.py` becomes the module `advnas.trainers.config`. In every
module that is imported this way, `from trainers.config import ...` means `advnas.trainers.config`; in all
other modules it means what it always means. Neither side hides the other, whichever is imported first.
"""

import builtins
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = ("orchestrator", "search_space", "trainers")
PREFIX = "advnas."
FOLDER = str(Path(__file__).parents[1])
"""The folder that contains `advnas` and the packages: the repository, or where the wheel was installed."""


def isolate() -> None:
    """Make the packages importable as parts of `advnas`."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())


class Finder(MetaPathFinder):
    """Finds the modules whose names begin with `advnas.`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Look in the project's folder for its packages, and let their modules import each other."""
        if not fullname.startswith(PREFIX):
            return None
        spec = PathFinder.find_spec(fullname, [FOLDER] if _own(fullname) in PACKAGES else path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


class Loader(SourceFileLoader):
    """Runs a module with an `import` statement that understands the project's names."""

    def exec_module(self, module: ModuleType) -> None:
        """Python takes a module's built-in functions from its `__builtins__`; `__import__` is one of them."""
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": import_own}
        super().exec_module(module)


def import_own(
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """Import a module as the `import` statement does, the project's packages by their names in `advnas`."""
    package = name.partition(".")[0]
    if level or package not in PACKAGES:
        return builtins.__import__(name, globals, locals, fromlist or (), level)
    found = builtins.__import__(PREFIX + name, globals, locals, fromlist or ())
    return found if fromlist else sys.modules[PREFIX + package]


def _own(fullname: str) -> str:
    return fullname.removeprefix(PREFIX)
