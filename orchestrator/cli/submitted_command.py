"""Checking the command after `--` and turning it into the command line of a job, before anything is sent."""

import shlex
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.cli.command_line import parse
from orchestrator.cli.commands import COMMANDS
from orchestrator.config.errors import shown
from orchestrator.config.files import PRESETS, SWEEPS, read_source
from orchestrator.submit.client import SubmitError

JOIN = ("--cluster.address", "auto")
"""A job works on the cluster it is submitted to, unless it says otherwise."""

KEPT = ("root", "data.root", "data.path")
"""Paths that all machines must find, and find again."""


@dataclass(frozen=True)
class Entrypoint:
    """What a job does."""

    command: str
    """For a shell."""
    words: str
    """As the user gave them."""
    num_workers: int


def entrypoint(words: Sequence[str], folder: Path) -> Entrypoint:
    """The job that does this command in a copy of the folder.

    Raises:
        UserError: no command with a configuration, anything wrong in that, or paths that no machine keeps.
    """
    parsed = _parsed(words)
    with chdir(folder):  # as on the cluster: paths in it are relative to the copy
        document = _document(parsed)
        from orchestrator.config.experiment import experiment_of

        cluster = experiment_of(document, {}).cluster
    _require_kept(document)
    says_otherwise = "cluster.address" in parsed.overrides or cluster.address != "local"
    command = ["python", "-m", "orchestrator", *words, *(() if says_otherwise else JOIN)]
    return Entrypoint(shlex.join(command), shlex.join(words), cluster.num_workers)


def _parsed(words: Sequence[str]) -> Namespace:
    example = "advnas submit --address URL -- search cifar10 --root /shared/runs"
    if not words:
        raise SubmitError(f"submit: needs a command after --, as in `{example}`")
    parsed = parse(words)
    if not COMMANDS[parsed.command].configured or parsed.config is None:
        raise SubmitError(f"{shlex.join(words)}: only commands that take CONFIG are jobs, as in `{example}`")
    if Path(parsed.config).is_absolute():
        raise SubmitError(
            f"{parsed.config}: only what is in --working-dir is sent; put it there and give the path in it"
        )
    return parsed


def _document(parsed: Namespace) -> dict[str, Any]:
    """What the runs are configured with, as written: of a sweep, what its trials share."""
    from orchestrator.config.experiment import Experiment
    from orchestrator.config.overrides import apply_overrides, options
    from orchestrator.config.overrides import parsed as value_of
    from orchestrator.config.renamed import with_modern_names

    known = options(Experiment)
    if parsed.command == "sweep":
        read_source(parsed.config, SWEEPS)
        from orchestrator.sweep.config import load_sweep
        from orchestrator.sweep.validation import validate

        sweep = load_sweep(parsed.config, parsed.overrides)
        validate(sweep)
        base, overrides = with_modern_names(read_source(sweep.config.base), sweep.config.overrides, known)
        return apply_overrides(base, overrides, known)
    document, texts = with_modern_names(read_source(parsed.config, PRESETS), parsed.overrides, known)
    values = {name: value_of(name, text, known) for name, text in texts.items()}
    return apply_overrides(document, values, known)


def _require_kept(document: Mapping[str, Any]) -> None:
    """Raises:
    SubmitError: a path lies in the copy, which has no data and goes when the job ends.
    """
    for name in KEPT:
        value = _value(document, name)
        if isinstance(value, str) and "://" not in value and not Path(value).expanduser().is_absolute():
            raise SubmitError(
                f"{name} = {shown(value)}: a job works in a copy of --working-dir that is deleted later; "
                f"give --{name} an absolute path that all machines share"
            )


def _value(document: Mapping[str, Any], name: str) -> object:
    section, _, option = name.rpartition(".")
    inside = document.get(section, {}) if section else document
    return inside.get(option) if isinstance(inside, Mapping) else None
