"""Writes the exact versions of all that advnas is installed with, for `pip install -c constraints.txt .`

    python docs/write_constraints.py

The versions are those of the environment that runs it; a package that only other machines install (CUDA's, or
those of another Python) stays free.
"""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[1]
FILE = PROJECT / "constraints.txt"


def direct() -> list[Requirement]:
    """What pyproject.toml names: dependencies, those of its extras, and those of developers."""
    document = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = document["project"], document["dependency-groups"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    return [Requirement(text) for text in (*project["dependencies"], *extras, *groups["dev"])]


def installed() -> Mapping[str, str]:
    """Name -> version of these and of what they need in turn, without the build (+cpu)."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = direct()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in ("", *wanted.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                found[name] = version(name).partition("+")[0]
            except PackageNotFoundError:
                continue
            waiting += _needed(name, extra)
    return dict(sorted(found.items()))


def _needed(name: str, extra: str) -> Iterator[Requirement]:
    for each in map(Requirement, requires(name) or ()):
        if each.marker is None or each.marker.evaluate({"extra": extra}):
            yield each


if __name__ == "__main__":
    lines = [f"{name}=={number}\n" for name, number in installed().items()]
    FILE.write_text("".join(lines), encoding="utf-8")
    print(f"{FILE.name}: {len(lines)} packages")
