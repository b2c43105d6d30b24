"""`advnas select --replay`: options by name, one line for mistakes, no torch."""

import json
import subprocess
import sys

import pytest

from orchestrator.__main__ import main
from tests.orchestrator.selection.tables import write_csv


@pytest.fixture
def table(tmp_path):
    """Six genotypes, two seeds; genotype 0 is the best from the start."""
    rows = [
        (f"[[{genotype}]]", seed, step, 100 * genotype + seed + 1000 / step)
        for genotype in range(6)
        for seed in (0, 1)
        for step in (100, 300, 1000)
    ]
    return str(write_csv(tmp_path / "curves.csv", rows))


def replayed(table, capsys, *options):
    assert main(["select", "--replay", table, "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_rungs_and_shares_are_options_without_brackets(table, capsys):
    report = replayed(table, capsys, "--rungs", "100,1000", "--keep", "0.5", "--max_repeats=1")
    assert [(rung["step"], rung["stood"]) for rung in report["rungs"]] == [(100, 6), (1000, 3)]
    # 6 runs to 100 and 3 on to 1000, of 12 to 1000.
    assert report["saved"] == pytest.approx(1 - (600 + 2700) / 12_000)
    assert (report["selection"]["choice"], report["regret"]) == ("[[0]]", 0)


def test_one_rung_is_a_list_too(table, capsys):
    assert [rung["step"] for rung in replayed(table, capsys, "--rungs", "300")["rungs"]] == [300]


def test_without_options_rungs_suit_the_table(table, capsys):
    assert [rung["step"] for rung in replayed(table, capsys)["rungs"]] == [100, 300, 1000]


def test_a_person_reads_tables(table, capsys):
    assert main(["select", "--replay", table]) == 0
    out = capsys.readouterr().out
    assert "Ranking by score, lower is better" in out
    assert "regret: 0;" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("select", "--replay", "absent.csv"), "absent.csv: no such file"),
        (("select", "--replay", "TABLE", "--rungs", "100,200"), "rungs: step 200 is not recorded"),
        (("select", "--replay", "TABLE", "--rungs", "300,100"), "rungs = [300, 100]: must increase"),
        (
            ("select", "--replay", "TABLE", "--seed", "1"),
            "--seed 1: a replay has no such option; use --rungs",
        ),
        (("select", "digits", "--replay", "TABLE"), "digits: a replay takes a table"),
        (("select",), "select: needs CONFIG, or --replay TABLE"),
        (("select", "digits"), "select = null: give rungs"),
        (("select", "digits", "--select.zoo", "[nobody]"), "select.rungs: missing"),
    ],
)
def test_a_mistake_is_one_line(words, message, table, capsys):
    assert main([table if word == "TABLE" else word for word in words]) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[0].startswith(f"advnas: {message}")
    assert not any(line.startswith("Traceback") for line in err)


def test_torch_is_not_imported(table):
    code = (
        "import sys; from orchestrator.__main__ import main; "
        f"main(['select', '--replay', {table!r}]); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
