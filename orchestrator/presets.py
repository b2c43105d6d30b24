"""Runs that come with the project, by name: complete YAML files in `configs`."""

from pathlib import Path

FOLDER = Path(__file__).parent.parent / "configs"
"""Beside this package in the repository and in an installed wheel alike. Looked up as a folder: importing
`configs` would find whatever folder of that name the user works in."""

PRESETS = ("digits", "cifar10", "cifar10_official", "stl10")


def preset_text(name: str) -> str:
    """The YAML of a preset."""
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def is_path(source: str) -> bool:
    """Whether a configuration is named by the path of a file, not by a preset's name."""
    return source not in PRESETS and (Path(source).suffix in (".yaml", ".yml") or "/" in source)
