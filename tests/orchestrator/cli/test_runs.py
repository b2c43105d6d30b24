"""Commands and their exit codes; the stages themselves are stood in for."""

import json
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import orchestrator.stages
from orchestrator.__main__ import main
from orchestrator.cli.command_line import parse
from orchestrator.config.experiment import Experiment, load_experiment
from orchestrator.config.files import PRESETS, read_yaml
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.zoo.published import PUBLISHED
from trainers.guarded_step import NonFiniteLoss


@pytest.fixture
def stages(monkeypatch):
    """Stand-ins for the stages: set `outcome` to what they return or raise; `calls` says what was called."""
    done = SimpleNamespace(outcome={}, calls=[])

    def stage(name):
        def run(experiment, console, **words):
            done.calls.append((name, experiment))
            done.words = words
            console.say(f"{name} speaks")
            print("a library speaks")
            if isinstance(done.outcome, BaseException):
                raise done.outcome
            return done.outcome

        return run

    modules = {
        "stages.train": SimpleNamespace(**{name: stage(name) for name in ("search", "retrain")}),
        "stages.evaluate": SimpleNamespace(evaluate=stage("evaluate")),
        "stages.reference_statistics": SimpleNamespace(
            export_statistics=stage("evaluate stats"), self_check=stage("evaluate selfcheck")
        ),
        "pipeline": SimpleNamespace(pipeline=stage("pipeline")),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, f"orchestrator.{name}", module)
        *packages, last = name.split(".")
        package = orchestrator.stages if packages else orchestrator
        monkeypatch.setattr(package, last, module, raising=False)
    return done


@pytest.mark.parametrize(
    "command", ["search", "retrain", "evaluate", "evaluate stats", "evaluate selfcheck", "pipeline"]
)
def test_a_command_does_its_stage_with_the_configured_run(command, stages):
    assert main([*command.split(), "digits", "--seed", "3", "--name", "mine"]) == 0
    assert stages.calls == [(command, load_experiment("digits", {"seed": "3", "name": "mine"}))]


def test_evaluate_is_told_what_to_score_and_against_what(stages):
    words = ["--of", "mine", "--against=other/images", "--genotype", "eagan", "--protocol", "quick"]
    assert main(["evaluate", "digits", *words]) == 0
    told = {"of": "mine", "against": "other/images", "genotype": "eagan", "protocol": "quick"}
    assert stages.words == told
    assert main(["evaluate", "digits", "--name", "mine"]) == 0
    assert stages.words == dict.fromkeys(told)


def test_statistics_are_told_where_to_go(stages):
    assert main(["evaluate", "stats", "digits", "--out", "digits.npz"]) == 0
    assert stages.words == {"out": "digits.npz"}


def test_a_person_reads_the_result_line_by_line(stages, capsys):
    stages.outcome = {"run": "abc", "scores": {"fd_digits": 7.123456, "n": 3}, "samples": Path("x/grid.png")}
    stages.outcome["stages"] = {"search": {"run": "def"}}
    assert main(["search", "digits"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "search speaks",
        "a library speaks",
        "run: abc",
        "scores.fd_digits: 7.123",
        "scores.n: 3",
        "samples: x/grid.png",
    ]


def test_a_program_reads_one_json_object_and_nothing_else(stages, capsys):
    genotype = PUBLISHED["eagan"].genotype
    stages.outcome = {"genotype": genotype, "fid": float("nan"), "root": Path("/runs"), "name": "zwölf"}
    assert main(["search", "digits", "--json"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    result = json.loads(out, parse_constant=pytest.fail)
    assert Genotype.model_validate(result.pop("genotype")) == genotype
    assert result == {"fid": None, "root": "/runs", "name": "zwölf"}
    assert err.splitlines() == ["search speaks", "a library speaks"]


@pytest.mark.parametrize("preset", PRESETS)
def test_dry_run_prints_a_configuration_and_does_nothing(preset, stages, capsys, tmp_path):
    assert main(["search", preset, "--seed", "4", "--dry-run"]) == 0
    file = tmp_path / "run.yaml"
    file.write_text(capsys.readouterr().out)
    assert load_experiment(str(file)) == load_experiment(preset, {"seed": "4"})
    assert stages.calls == []


@pytest.mark.usefixtures("stages")
def test_an_interrupted_run_says_the_command_that_goes_on(monkeypatch, capsys):
    def begun(_experiment, console):
        console.run = "digits-20260101-000000"
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["orchestrator.stages.train"], "search", begun)
    monkeypatch.setattr("sys.argv", ["/usr/bin/advnas"])
    assert main(["search", "digits", "--name=other", "--search.evaluation.metrics", "[fd, is]"]) == 130
    complaint, command = capsys.readouterr().err.splitlines()
    assert complaint == "advnas: interrupted; continue with:"
    words = shlex.split(command)
    assert words[0] == "advnas"
    parsed = parse(words[1:])
    assert parsed.command == "search"
    assert parsed.overrides == {"name": "digits-20260101-000000", "search.evaluation.metrics": "[fd, is]"}


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        ("eagan_cifar10", "retrain.genotype = eagan_cifar10: is a discriminator's; name a generator's"),
        ("missing.json", "missing.json: no such file; give the path of a genotype, .json or .npy"),
    ],
)
def test_a_dry_run_of_a_retraining_finds_a_genotype_that_cannot_be_trained(genotype, message, capsys):
    assert main(["retrain", "digits", "--retrain.genotype", genotype, "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert main(["retrain", "digits", "--retrain.genotype", "autogan_a", "--dry-run"]) == 0


def test_dry_run_with_json_is_the_same_as_an_object(capsys):
    assert main(["search", "digits", "--dry-run", "--json"]) == 0
    assert Experiment.model_validate_json(capsys.readouterr().out) == load_experiment("digits")


@pytest.mark.parametrize(
    ("outcome", "code", "message"),
    [
        (UserError("data.root: no images in there"), 2, "advnas: data.root: no images in there\n"),
        (UserError("seed = x: one\nname = y: two"), 2, "advnas: seed = x: one\nadvnas: name = y: two\n"),
        (NonFiniteLoss("the loss is not finite"), 1, "advnas: failed: the loss is not finite\n"),
        (
            KeyboardInterrupt(),
            130,
            "advnas: interrupted before a run began; the same command starts again\n",
        ),
    ],
)
def test_what_a_user_can_act_on_is_said_without_a_traceback(outcome, code, message, stages, capsys):
    stages.outcome = outcome
    assert main(["search", "digits"]) == code
    assert capsys.readouterr().err == message


def test_a_bug_shows_where_it_is(stages, capsys):
    stages.outcome = ZeroDivisionError("division by zero")
    assert main(["search", "digits"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert err.endswith("advnas: failed: division by zero\n")


def test_mistakes_are_found_before_anything_is_done(stages, capsys):
    assert main(["search", "digits", "--search.batch_size", "7"]) == 2
    out, err = capsys.readouterr()
    assert (out, stages.calls) == ("", [])
    assert err == "advnas: search.batch_size = 7: has no equal halves; use an even number\n"


def test_what_dry_run_prints_is_yaml_with_a_value_for_every_option(capsys):
    assert main(["search", "digits", "--dry-run"]) == 0
    document = read_yaml(capsys.readouterr().out, "text")
    assert list(document) == list(Experiment.model_fields)
