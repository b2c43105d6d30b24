"""Names of options: first ones still work with a warning, members of registries are chosen by name."""

import logging
import subprocess
import sys

import pytest

from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import experiment_of, load_experiment
from orchestrator.config.files import read_source
from orchestrator.config.renamed import RENAMED, first_identity, modern_identity
from orchestrator.sweep.config import load_sweep


def without_strategy():
    """The preset as a file with first names has it."""
    document = read_source("digits_adversarial")
    strategy = document["search"].pop("strategy")
    later = ("kernel_learning_rate", "opponent", "derive", "perturbation_steps", "noise_per_batch")
    for name in ("name", *later):
        strategy.pop(name)
    document["search"] |= strategy
    document["retrain"]["opponent"] = document["retrain"]["discriminator"].pop("architecture")
    document["compute"]["form"] = document["compute"].pop("backend")
    return document


def test_a_file_with_first_names_is_the_same_run_and_warns_once_of_each(caplog):
    with caplog.at_level(logging.WARNING):
        found = experiment_of(without_strategy(), {})
    assert found == load_experiment("digits_adversarial")
    warned = [record.getMessage().split(" ")[0] for record in caplog.records]
    assert sorted(warned) == sorted(RENAMED)


def test_first_names_work_on_the_command_line(caplog):
    options = {"search.tau_start": "3.5", "search.alpha_optimizer.lr": "0.5", "retrain.opponent": "derived"}
    with caplog.at_level(logging.WARNING):
        found = load_experiment("digits_adversarial", {**options, "compute.form": "reference"})
    assert (found.search.strategy.tau_start, found.search.strategy.alpha_optimizer.lr) == (3.5, 0.5)
    assert (found.retrain.discriminator.architecture, found.compute.backend) == ("derived", "op_by_op")
    assert len(caplog.records) == 4


def test_both_names_at_once_are_refused():
    document = read_source("digits_adversarial")
    document["search"]["tau_start"] = 2.0
    with pytest.raises(ConfigError, match=r"^search\.tau_start: is called search\.strategy\.tau_start now"):
        experiment_of(document, {})


@pytest.mark.parametrize("option", ["search.strategy", "search.strategy.name"])
@pytest.mark.parametrize("document", [read_source("digits_adversarial"), without_strategy()])
def test_another_strategy_by_its_name_drops_the_options_of_the_old_one(option, document):
    found = experiment_of(document, {option: "random", "search.strategy.parameters": "9000"})
    expected = {"name": "random", "parameters": 9000, "tolerance": 0.1}
    assert found.search.strategy.model_dump(exclude_none=True) == expected


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"search.strategy": "random", "search.strategy.tau_start": "3"},
            "search.strategy.tau_start = 3: not an option of random; remove it, or choose another "
            "search.strategy.name",
        ),
        (
            {"search.strategy": "annealing"},
            "search.strategy.name = \"annealing\": must be one of 'adversarial', 'random', 'one_shot'",
        ),
        ({"retrain.loss": "mse"}, "retrain.loss.name = \"mse\": must be one of 'hinge', 'logistic', 'mmd'"),
        (
            {"search.space": "dartsgan"},
            'search.space = "dartsgan": must be one of adversarialnas, autogan, alphagan, eagan',
        ),
        (
            {
                "search.loss": "logistic",
                "search.loss.r1": "1",
                "retrain.loss": "hinge",
                "compute.backend": "frequency",
            },
            'compute.backend = "frequency": the penalty of search.loss differentiates twice, frequency once; '
            "use auto, direct or op_by_op",
        ),
    ],
)
def test_mistakes_are_one_line_with_the_cure(options, line):
    with pytest.raises(ConfigError) as error:
        load_experiment("digits_adversarial", options)
    assert str(error.value) == line


def test_a_sweep_with_first_names_varies_the_options_of_today(tmp_path, caplog):
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "base: digits_adversarial\noverrides: {search.warmup_steps: 3}\nbudget: {trials: 2}\n"
        "objective: {metric: fd_digits, goal: minimize}\nspace:\n"
        "  search.relaxation: {categorical: [gumbel, softmax]}\n"
        "  search.tau_end: {uniform: [0.1, 1], when: {search.relaxation: gumbel}}\n"
    )
    with caplog.at_level(logging.WARNING):
        sweep = load_sweep(str(file), {})
    assert list(sweep.config.space) == ["search.strategy.relaxation", "search.strategy.tau_end"]
    assert sweep.config.space["search.strategy.tau_end"].when == {"search.strategy.relaxation": "gumbel"}
    assert sweep.base.search.strategy.warmup_steps == 3
    assert len(caplog.records) == 3


def test_identities_of_all_versions_are_translated():
    now = {
        "search.strategy.tau_start": 5.0,
        "search.strategy.name": "adversarial",
        "search.loss.name": "hinge",
    }
    assert first_identity(now) == {"search.tau_start": 5.0}
    assert modern_identity({"search.tau_start": 5.0}, now) == now
    random = {"search.strategy.name": "random"}
    assert first_identity(random) == random
    assert modern_identity({"search.tau_start": 5.0}, random)["search.strategy.name"] == "adversarial"


def test_configurations_are_read_without_torch():
    code = "import sys, orchestrator.config.experiment; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
