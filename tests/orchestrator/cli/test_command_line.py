import shlex
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli.command_line import parse, split_overrides
from orchestrator.cli.commands import COMMANDS
from orchestrator.cli.replay_table import OF_DRAWS
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment
from orchestrator.config.overrides import options
from orchestrator.config.selection import SelectionConfig
from orchestrator.sweep.config import SweepConfig
from search_space.errors import UserError

HELPS = [[], *(name.split() for name in COMMANDS)]


def help_of(command, capsys, flag="--help"):
    with pytest.raises(SystemExit) as leaving:
        parse([*command, flag])
    assert leaving.value.code == 0
    return capsys.readouterr().out


def own_options(command):
    own = {("sweep",): SweepConfig, ("select",): SelectionConfig}.get(tuple(command))
    return (*options(own), *OF_DRAWS) if own else ()


@pytest.mark.parametrize("command", HELPS, ids=" ".join)
def test_every_help_has_two_examples_that_are_commands(command, capsys):
    _, _, after = help_of(command, capsys).partition("examples:\n")
    examples = [line.split("  ")[1] for line in after.splitlines() if line.startswith("  advnas")]
    assert len(examples) >= 2
    for example in examples:
        words = shlex.split(example)
        assert words[: len(command) + 1] == ["advnas", *command]
        if "--help" not in words:
            assert set(parse(words[1:]).overrides) <= {*options(Experiment), *own_options(command)}


def test_help_comes_at_once_since_nothing_heavy_is_imported():
    program = (
        "import sys, runpy; sys.argv = ['advnas', '--help']\n"
        "try: runpy.run_module('orchestrator', run_name='__main__')\n"
        "except SystemExit: print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = set(done.stdout.splitlines()[-1].split())
    assert "orchestrator.cli.commands" in imported
    assert not imported & {"torch", "numpy", "pydantic", "ray", "mlflow", "rich", "yaml"}
    assert not imported & {f"orchestrator.cli.{command.module}" for command in COMMANDS.values()}


@pytest.mark.parametrize(
    ("words", "overrides"),
    [
        (["--search.steps", "5"], {"search.steps": "5"}),
        (["--search.steps=5"], {"search.steps": "5"}),
        (["--search.steps="], {"search.steps": ""}),
        (["--seed", "-5"], {"seed": "-5"}),
        (["--tracking.uri", "null"], {"tracking.uri": "null"}),
        (["--tracking.uri=http://host/?a=b"], {"tracking.uri": "http://host/?a=b"}),
        (
            ["--search.strategy.alpha_optimizer.betas", "[0.0, 0.9]"],
            {"search.strategy.alpha_optimizer.betas": "[0.0, 0.9]"},
        ),
        (["--name", "one", "--name", "two"], {"name": "two"}),
    ],
)
def test_options_come_in_every_form(words, overrides):
    for line in (["search", "digits", *words], ["search", *words, "digits"]):
        parsed = parse(line)
        assert (parsed.command, parsed.config, parsed.overrides) == ("search", "digits", overrides)


@given(st.dictionaries(st.sampled_from(sorted(options(Experiment))), st.text()), st.booleans())
def test_all_names_and_values_come_through(overrides, with_equals):
    words = [
        word
        for name, value in overrides.items()
        for word in ([f"--{name}={value}"] if with_equals or value.startswith("--") else [f"--{name}", value])
    ]
    assert split_overrides(words) == ([], overrides)


@pytest.mark.parametrize("line", ["stats digits --out x.npz --seed 1", "stats --seed=1 --out=x.npz digits"])
def test_a_commands_own_options_are_not_the_configurations(line):
    parsed = parse(["evaluate", *line.split()])
    assert (parsed.command, parsed.config, parsed.out) == ("evaluate stats", "digits", "x.npz")
    assert parsed.overrides == {"seed": "1"}


def test_flags_stand_anywhere():
    parsed = parse(["pipeline", "--json", "--seed", "1", "digits", "--dry-run"])
    assert (parsed.json, parsed.dry_run, parsed.config, parsed.overrides) == (
        True,
        True,
        "digits",
        {"seed": "1"},
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "the following arguments are required: COMMAND; `advnas --help` shows examples"),
        ("serch digits", "unknown command 'serch'; did you mean search?"),
        ("train", "unknown command 'train'; did you mean retrain?"),
        (
            "go",
            "unknown command 'go'; search, evolve, select, reliability, retrain, evaluate, pipeline, sweep, "
            "compare, submit, generate, export, genotype, ui; `advnas --help` tells more",
        ),
        ("evaluate digits --against", "--against: needs a value, as in --against VALUE"),
        ("evaluate digits --agianst x", "--agianst: unknown option; did you mean --against?"),
        (
            "generate mine",
            "the following arguments are required: --out; `advnas generate --help` shows examples",
        ),
        (
            "generate mine --out x.png --count 0",
            "argument --count: '0' is not a whole number from 1 on; `advnas generate --help` shows examples",
        ),
        ("search", "the following arguments are required: CONFIG; `advnas search --help` shows examples"),
        ("search digits more", "unrecognized arguments: more; `advnas search --help` shows examples"),
        ("search digits --jsn", "--jsn: unknown option; did you mean --json?"),
        ("search digits --dry_run", "--dry_run: unknown option; did you mean --dry-run?"),
        ("search digits --dryrun true", "--dryrun: unknown option; did you mean --dry-run?"),
        ("search digits --seed", "--seed: needs a value, as in --seed VALUE"),
        ("search digits --seed --json", "--seed: needs a value, as in --seed VALUE"),
        (
            "genotype show",
            "the following arguments are required: GENOTYPE; `advnas genotype show --help` shows examples",
        ),
        *(
            (
                f"{command} --root s3://bucket/runs",
                "argument --root: s3://bucket/runs: runs of an object store are recorded by an MLflow "
                f"server: {cure}; `advnas {command} --help` shows examples",
            )
            for command, cure in (
                ("ui", "open the address that is their tracking.uri in a browser"),
                ("records rebuild", "restore the backup of its database"),
            )
        ),
        *(
            (
                f"generate mine --out x.png --root {root}",
                f"argument --root: {shown}: {reason}; `advnas generate --help` shows examples",
            )
            for root, shown, reason in (
                (
                    "ftp://host/runs",
                    "ftp://host/runs",
                    "must begin with s3://, gs://, abfss://, hdfs:// or file://",
                ),
                (
                    "s3://me:mine@bucket/runs",
                    "s3://***@bucket/runs",
                    "must not hold credentials, as it is recorded; put them into the environment",
                ),
            )
        ),
        ("ui --port x", "argument --port: invalid int value: 'x'; `advnas ui --help` shows examples"),
    ],
)
def test_a_mistake_is_one_line(line, message):
    with pytest.raises(UserError) as mistake:
        parse(shlex.split(line))
    assert str(mistake.value) == message


def test_no_option_of_a_configuration_is_taken_for_a_misspelt_flag():
    for name in {name.split(".")[0] for name in options(Experiment)}:
        try:
            assert split_overrides([f"--{name}", "1"]) == ([], {name: "1"})
        except ConfigError as mistake:
            pytest.fail(f"{name}: {mistake}")


def test_the_help_lists_every_command(capsys):
    text = help_of([], capsys)
    for command in COMMANDS:
        assert f"\n  {command} " in text
