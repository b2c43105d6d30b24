"""What `--help` lists of a configuration: all options, with the values of a configuration that is named."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from orchestrator.cli.command_line import parse
from orchestrator.cli.commands import COMMANDS
from orchestrator.cli.help import option_help as module
from orchestrator.cli.help.option_help import option_help
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment, load_experiment
from orchestrator.config.files import PRESETS
from orchestrator.config.overrides import options
from orchestrator.sweep.config import SweepConfig
from search_space.frozen import Frozen

CONFIGURED = [name for name, command in COMMANDS.items() if command.configured]


class Adam(Frozen):
    """Adam."""

    lr: float = 0.1
    """Learning rate."""
    decay: float = 0.5
    """Of the weights."""


class Gradients(Frozen):
    """By gradients."""

    name: Literal["gradients"] = "gradients"
    optimizer: Adam = Adam(lr=0.3)
    """What moves alpha."""


class Chance(Frozen):
    """By chance."""

    name: Literal["chance"] = "chance"
    trials: int
    """How many."""


class Made(Frozen):
    """A made-up run."""

    strategy: Annotated[Gradients | Chance, Field(discriminator="name")] = Gradients()
    """How architectures are found."""
    share: float = 0.25
    """100 % is 1."""


@pytest.fixture
def made(monkeypatch, tmp_path):
    """The help of a made-up configuration, without a file or with one of this text."""
    monkeypatch.setattr(module, "Experiment", Made)

    def text(written: str | None = None) -> str:
        file = tmp_path / "my.yaml"
        file.write_text(written or "")
        return option_help("search", str(file) if written else None).replace(str(file), "my.yaml")

    return text


def listed(text: str) -> dict[str, str]:
    """Name of an option -> what follows it on its line; of several, the first."""
    found: dict[str, str] = {}
    for name, rest in re.findall(r"^  --(\S+) (.*)$", text, re.MULTILINE):
        found.setdefault(name, rest)
    return found


@pytest.mark.parametrize("command", CONFIGURED)
def test_every_option_of_a_run_is_listed_with_its_type_and_default(command, capsys):
    with pytest.raises(SystemExit):
        parse([*command.split(), "--help"])
    shown = listed(capsys.readouterr().out.partition("\nOptions of ")[2])
    assert set(options(Experiment)) <= set(shown)
    assert shown["search.steps"] == "INT (default: 10000)"
    assert shown["retrain.lr_decay"] == "none|linear (default: none)"
    assert shown["search.generator.channels"] == "INT (required)"
    assert all(re.search(r"\((default: .+|required)\)$", shown[name]) for name in options(Experiment))


def test_a_sweep_lists_its_own_options_and_those_of_its_base():
    shown = listed(option_help("sweep", None))
    assert set(shown) == {*options(SweepConfig), *options(Experiment)}
    assert shown["seeds"] == "INT (default: 1)"


def test_a_default_of_a_whole_section_is_what_its_options_show():
    shown = listed(option_help("search", None))
    assert shown["search.generator_optimizer.lr"].endswith("(default: 0.0002)")
    assert shown["retrain.generator_optimizer.betas"] == "[FLOAT, FLOAT] (default: [0.0, 0.9])"


@pytest.mark.parametrize("preset", PRESETS)
def test_with_a_preset_the_values_are_what_its_run_has(preset):
    shown = listed(option_help("search", preset))
    run = load_experiment(preset).model_dump(mode="json")
    for name in ("seed", "search.steps", "retrain.generator.channels", "cluster.report_timeout_s"):
        value = run
        for key in name.split("."):
            value = value[key]
        assert shown[name].endswith(f"({preset}: {json.dumps(value)})")


def test_with_a_preset_its_comments_stand_beside_the_options():
    text = " ".join(option_help("search", "cifar10").split())
    assert "# 24 epochs of 417 steps, as released: ~2,000 steps of G" in text
    assert "# shares of the retraining: screen early, cut late, ship the best" in text


def test_a_sweep_file_gives_the_values_of_its_base_with_its_overrides():
    shown = listed(option_help("sweep", "sweep_digits"))
    assert shown["budget.trials"] == "INT (sweep_digits: 8)"
    assert shown["search.steps"] == "INT (sweep_digits: 120)"
    assert shown["search.n_critic"] == "INT (sweep_digits: 1)"


def test_each_kind_of_a_section_has_a_heading_and_options_of_its_own(made):
    assert made() == (
        "\nOptions of the configuration:\n"
        "\nrun:\n  A made-up run.\n"
        "\n  --share FLOAT (default: 0.25)\n        100 % is 1.\n"
        "\nstrategy:\n  How architectures are found.\n"
        "\n  --strategy.name gradients|chance (default: gradients)\n        The kind of strategy.\n"
        "\nstrategy.optimizer (strategy = gradients):\n  What moves alpha. Adam.\n"
        "\n  --strategy.optimizer.lr FLOAT (default: 0.3)\n        Learning rate.\n"
        "  --strategy.optimizer.decay FLOAT (default: 0.5)\n        Of the weights.\n"
        "\nstrategy = chance:\n  By chance.\n"
        "\n  --strategy.trials INT (required)\n        How many.\n"
    )


def test_a_file_gives_the_values_of_its_own_kind_alone(made):
    shown = listed(made("strategy:\n  name: chance  # for once\n  trials: 3\n"))
    assert shown["strategy.name"] == "gradients|chance (my.yaml: chance)"
    assert shown["strategy.trials"] == "INT (my.yaml: 3)"
    assert shown["strategy.optimizer.lr"] == "FLOAT (default: 0.3)"


def test_a_section_that_a_file_has_in_part_is_completed_by_its_options_defaults(made):
    text = made("strategy:\n  name: gradients\n  optimizer: {decay: 0.9}\n")
    model = Made.model_validate({"strategy": {"name": "gradients", "optimizer": {"decay": 0.9}}})
    assert listed(text)["strategy.optimizer.decay"] == "FLOAT (my.yaml: 0.9)"
    assert listed(text)["strategy.optimizer.lr"] == f"FLOAT (default: {model.strategy.optimizer.lr})"


@pytest.mark.parametrize("width", [60, 100])
def test_texts_are_wrapped_to_the_terminal(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = option_help("search", "digits").splitlines()
    texts = [line for line in lines if line.startswith("        ")]
    assert width - 25 < max(map(len, texts)) <= width


def test_the_short_help_has_no_options_of_the_configuration(capsys):
    with pytest.raises(SystemExit):
        parse(["search", "-h"])
    text = capsys.readouterr().out
    assert "advnas search digits" in text
    assert "--help also lists every option" in text
    assert "search.batch_size INT" not in text


def test_on_a_terminal_a_long_help_goes_through_the_pager(monkeypatch):
    paged = []
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("pydoc.pager", paged.append)
    monkeypatch.setenv("LINES", "40")
    with pytest.raises(SystemExit):
        parse(["search", "--help"])
    with pytest.raises(SystemExit):
        parse(["ui", "--help"])
    (text,) = paged
    assert "--search.steps INT" in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("search digts --help", "unknown configuration 'digts'; did you mean digits?"),
        ("search nowhere.yaml --help", "nowhere.yaml: No such file or directory"),
        ("sweep digits --help", "unknown configuration 'digits'; did you mean sweep_digits?"),
    ],
)
def test_a_configuration_that_does_not_exist_is_a_mistake_here_too(line, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse(shlex.split(line))


HEAVY = {"ray", "mlflow", "optuna", "torch"}


@pytest.mark.parametrize(
    ("line", "heavy"),
    [
        ("search digits --help", HEAVY),
        ("retrain cifar10 --help", HEAVY),
        ("sweep sweep_digits --help", HEAVY),
        ("submit --help", HEAVY - {"torch"}),
    ],
)
def test_nothing_heavy_is_imported_for_it(line, heavy):
    program = (
        f"import sys; from orchestrator.__main__ import main\n"
        f"try: main({line.split()!r})\n"
        f"except SystemExit: sys.exit(str(sorted({heavy} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stderr.strip(), "usage: advnas" in done.stdout) == ("[]", True)


@pytest.mark.parametrize("module", ["orchestrator.config.experiment", "trainers.config"])
def test_configurations_are_described_without_anything_heavy(module):
    program = f"import sys, {module}; print(sorted({HEAVY} & set(sys.modules)), {module!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"


def test_a_file_that_can_be_read_but_is_not_valid_is_shown_as_it_is(tmp_path: Path):
    file = tmp_path / "half.yaml"
    file.write_text("search:\n  steps: none  # to be decided\n")
    assert listed(option_help("search", str(file)))["search.steps"] == f"INT ({file}: none)"
