"""Reading and writing YAML safely: no duplicate keys, 1e-4 is a number, sizes are limited."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from orchestrator.config.errors import ConfigError

DEEPEST, MOST_VALUES, LARGEST = 50, 100_000, 2**63 - 1
"""How deep sections and lists may be nested, how many values there may be, and how large whole numbers."""

LONGEST = 2**18
"""Characters: 25 times as many as a complete configuration. PyYAML reads so many in about a second."""


class _Loader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys, and takes 1e-4 for text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(
                    problem="a name cannot be a list or a section", problem_mark=key_node.start_mark
                )
            if key in keys:
                raise yaml.constructor.ConstructorError(
                    problem=f"duplicate key {key!r}", problem_mark=key_node.start_mark
                )
            keys.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(text: str, source: str) -> Any:
    """The value a YAML text stands for.

    Raises:
        ConfigError: not YAML, a key twice (with the line number in `source`), or more than any configuration.
    """
    if len(text) > LONGEST:
        raise ConfigError(f"{source}: has more than {LONGEST:,} characters, which no configuration needs")
    try:
        value = yaml.load(text, _Loader)
        _require_bounded(value, iter(range(MOST_VALUES)))
        return value
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{source}{line}: {error.problem or 'not YAML'}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ConfigError(f"{source}: lists or sections are nested too deeply for a configuration") from None
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        # Dates that do not exist, numbers of thousands of digits, tags on what they do not fit.
        raise ConfigError(f"{source}: not a value: {' '.join(str(error).split())[:200]}") from None


def _require_bounded(value: Any, budget: Iterator[int], depth: int = 0) -> None:
    """References make a file of a hundred bytes hold more values than memory does, or itself.

    Raises:
        RecursionError: it is nested deeper than any configuration.
        ValueError: it has more values, or a larger number, than any configuration.
    """
    if depth > DEEPEST:
        raise RecursionError
    if next(budget, None) is None:
        raise ValueError(f"more than {MOST_VALUES} values")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError(f"a number above {LARGEST}")
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        _require_bounded(inner, budget, depth + 1)


def write_yaml(document: Mapping[str, Any]) -> str:
    """YAML with the keys in their order; short lists on one line."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Writes what `_Loader` reads."""


_Dumper.add_representer(
    list, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)
for _kind in (_Loader, _Dumper):  # both: the text "1e4" is written in quotes
    _kind.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
    )


FOLDER = Path(__file__).parents[2] / "configs"
"""Beside this package in the repository and in an installed wheel alike. Looked up as a folder: importing
`configs` would find whatever folder of that name the user works in."""

PRESETS = (
    "digits",
    "digits_adversarial",
    "images_small",
    "images",
    "cifar10",
    "cifar10_official",
    "cifar10_mmd",
    "stl10",
)
SWEEPS = ("sweep_digits",)
"""Names of the sweeps in `configs/`."""


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
        with Path(source).open(encoding="utf-8") as file:
            return file.read(LONGEST + 1)  # the one too many is refused
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{source}: {reason}; give {', '.join(presets)} or a .yaml file") from None
