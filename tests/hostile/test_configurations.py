from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.__main__ import main
from orchestrator.config.experiment import Experiment, experiment_of, load_experiment
from orchestrator.config.files import FOLDER, read_source
from orchestrator.config.overrides import options
from orchestrator.sweep.config import SweepConfig, load_sweep
from tests.hostile.bombs import damaged, many, places, refused_or_fine, replaced, values

TEXT = (FOLDER / "digits.yaml").read_bytes()
DIGITS = read_source("digits")

BOMBS = {
    "code": "!!python/object/apply:os.mkdir ['{trace}']",
    "module": "!!python/name:os.system",
    "recursive": "&a [*a]",
    "recursive section": "&a {{search: *a, data: *a}}",
    "many laughs": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "deep": "[" * 300,
    "deep and closed": "[" * 300 + "]" * 300,
    "long number": "seed: " + "9" * 5000,
    "no date": "seed: 2024-99-99",
    "no time": "seed: 2024-01-01 99:99:99",
    "no binary": "seed: !!binary '\u00e9'",
    "many documents": "a: 1\n---\nb: 2",
    "tabs": "a:\t\n\t- b",
    "unhashable key": "? [1]\n: 2",
    "unhashable keys": "{{[1]: 2, {{}}: 3}}",
    "numbers as keys": "{{1: 2, null: 3, 1.5: 4, true: 5}}",
    "merged": "<<: 3",
    "merged list": "<<: [1, 2]",
    "set": "!!set {{a, b}}",
    "omap": "!!omap [1]",
    "pairs": "!!pairs [1]",
    "control characters": "a: \x01",
    "nothing": "",
}


@many
@given(st.sampled_from(list(places(DIGITS))), values)
def test_any_value_in_any_place(place, value):
    refused_or_fine(lambda: experiment_of(replaced(DIGITS, place, value), {}))


@many
@given(st.sampled_from(sorted(options(Experiment))), st.text(max_size=30))
def test_any_text_as_any_option(name, text):
    refused_or_fine(lambda: experiment_of(DIGITS, {name: text}))


@many
@given(damaged(TEXT))
def test_any_damage_to_a_file(content):
    with NamedTemporaryFile(suffix=".yaml") as file:
        file.write(content)
        file.flush()
        refused_or_fine(lambda: load_experiment(file.name))


@many
@given(st.sampled_from(sorted(options(SweepConfig))), st.text(max_size=30))
def test_any_text_as_any_option_of_a_sweep(name, text):
    refused_or_fine(lambda: load_sweep("sweep_digits", {name: text}))


@pytest.mark.parametrize("kind", BOMBS)
@pytest.mark.parametrize("command", ["search", "sweep"])
def test_a_bomb_is_one_line_and_does_not_go_off(kind, command, tmp_path, capsys):
    trace = tmp_path / "trace"
    (tmp_path / "bomb.yaml").write_text(BOMBS[kind].format(trace=trace))
    assert main([command, str(tmp_path / "bomb.yaml"), "--dry-run"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("advnas: ")
    assert "Traceback" not in error
    assert len(error) < 4000
    assert not trace.exists()


@pytest.mark.parametrize(
    "text", ["&a [*a]", "[" * 300, "9" * 5000, "2024-99-99", "!!python/name:os.system", "{[1]: 2}"]
)
@pytest.mark.parametrize("name", ["seed", "search", "data.name", "search.generator.channels"])
def test_a_bomb_as_an_option_is_one_too(text, name, capsys):
    assert main(["search", "digits", f"--{name}={text}", "--dry-run"]) == 2
    assert capsys.readouterr().err.startswith("advnas: ")


@pytest.mark.parametrize(
    "name", ["../../x", "/x", "a/b", ".", "..", ".hidden", "a\0b", "a\nb", "x" * 101, "-x", "é", "a b", ""]
)
def test_no_name_leaves_the_folder_of_runs(name, capsys):
    assert main(["search", "digits", f"--name={name}", "--dry-run"]) == 2
    assert "as it names folders" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["root", "data.root", "data.path", "search.evaluation.statistics"])
def test_no_path_holds_a_null_character(place, capsys):
    kinds = {"data.root": ["--data.name=image_folder"], "data.path": ["--data.name=parquet"]}
    assert main(["search", "digits", *kinds.get(place, []), f"--{place}=a\0b", "--dry-run"]) == 2
    assert "must not hold a null character" in capsys.readouterr().err
