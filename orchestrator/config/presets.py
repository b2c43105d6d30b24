"""Where a configuration comes from: a preset by its name, or a YAML file by its path."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from orchestrator.config.errors import ConfigError
from orchestrator.config.yaml_text import read_yaml

FOLDER = Path(__file__).parents[2] / "configs"
"""Beside this package in the repository and in an installed wheel alike. Looked up as a folder: importing
`configs` would find whatever folder of that name the user works in."""

PRESETS = ("digits", "cifar10", "cifar10_official", "stl10")
SWEEPS = ("sweep_digits",)
"""Of many runs; a preset is one."""


def read_source(source: str, presets: Sequence[str] = PRESETS) -> dict[str, Any]:
    """The content of a preset or a YAML file.

    Raises:
        ConfigError: no such preset, an unreadable file, or not YAML.
    """
    content = read_yaml(_text(source, presets), source)
    if not isinstance(content, dict):
        raise ConfigError(
            f"{source}: must consist of names and values, as `advnas search digits --dry-run` prints"
        )
    return content


def _text(source: str, presets: Sequence[str]) -> str:
    if source in presets:
        return (FOLDER / f"{source}.yaml").read_text(encoding="utf-8")
    if Path(source).suffix not in (".yaml", ".yml"):
        near = get_close_matches(source, presets, n=1)
        cure = f"did you mean {near[0]}?" if near else f"give {', '.join(presets)} or a .yaml file"
        raise ConfigError(f"unknown configuration {source!r}; {cure}")
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{source}: {reason}; give {', '.join(presets)} or a .yaml file") from None
