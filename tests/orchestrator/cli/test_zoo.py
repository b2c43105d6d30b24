"""Mistakes in `advnas zoo retrain`: one line each, before anything is trained."""

import pytest

from orchestrator.__main__ import main

EITHER = "zoo retrain: give either --all or --names A,B; `advnas genotype list` shows names"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", EITHER),
        ("--all --names e2gan", EITHER),
        ("--names autogan_d", "--names autogan_d: is a discriminator's; name generators: adversarialnas, "),
        ("--names autogan", "--names autogan: not published; did you mean autogan_"),
        ("--names zzz", "--names zzz: not published; known: adversarialnas, eagan, "),
        ("--names e2gan,e2gan", "--names e2gan,e2gan: e2gan is there twice; --seeds trains it several times"),
        ("--all --seeds 0", "--seeds 0: '0' is not a whole number from 1 on"),
        ("--all --concurrent few", "--concurrent few: 'few' is not a whole number from 1 on"),
        ("--all --seeds", "--seeds: needs a value, as in --seeds VALUE"),
        ("--al", "--al: unknown option; did you mean --all?"),
        (
            "--all --retrain.evaluation.every 0",
            "retrain.evaluation.every = 0: networks are compared by their scores; use 600",
        ),
        (
            "--all --retrain.discriminator.architecture derived",
            "retrain.discriminator.architecture = derived: no search precedes these trainings; use fixed, or",
        ),
        ("--all --retrain.generator.channels 0", "retrain.generator.channels = 0: must be greater than 0"),
    ],
)
def test_a_mistake_is_one_line_with_the_cure(words, message, capsys):
    assert main(["zoo", "retrain", "digits", *words.split(), "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_second_word_is_asked_for(capsys):
    assert main(["zoo"]) == 2
    assert "zoo: needs a second word, as in `advnas zoo retrain`" in capsys.readouterr().err


def test_dry_run_prints_the_recipe_and_takes_options_that_resemble_its_own(capsys):
    words = ["digits", "--all", "--name", "mine", "--seed", "3", "--seeds", "2", "--retrain.steps", "500"]
    assert main(["zoo", "retrain", *words, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "name: mine" in printed
    assert "seed: 3" in printed
    assert "steps: 500" in printed
