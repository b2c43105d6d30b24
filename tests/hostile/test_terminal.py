"""Names in files that would move the cursor, change the title or clear the screen of whoever reads them."""

import json
import subprocess
import sys

import pytest

from orchestrator.__main__ import main
from orchestrator.console.console import Console
from search_space.errors import printable
from search_space.sampling import sample_genotype

CLEAR = "\x1b[2J"
TITLE = "\x1b]0;title\x07"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"a{CLEAR}b", r"a\x1b[2Jb"),
        (TITLE, r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202e", r"\u202e"),
        ("Größe 5\u00a0µm\n\t日本", "Größe 5\u00a0µm\n\t日本"),
    ],
)
def test_control_characters_are_spelled_out(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize("where", ["key", "value", "argument"])
def test_a_mistake_is_shown_without_them(where, tmp_path, capsys):
    file = tmp_path / "x.yaml"
    file.write_text(json.dumps({f"{CLEAR}search": 1} if where == "key" else {"seed": f"{CLEAR}"}))
    assert main(["search", f"{CLEAR}.yaml" if where == "argument" else str(file), "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert r"\x1b[2J" in said or r"\u001b[2J" in said


@pytest.mark.parametrize("run", [CLEAR, "it's", "a' or 'b' = 'b"])
def test_where_a_genotype_comes_from_is_a_plain_name(run, tmp_path, capsys):
    document = json.loads(sample_genotype("generator", seed=3).to_json())
    (tmp_path / "x.json").write_text(json.dumps(document | {"provenance": {"run": run}}))
    assert main(["genotype", "show", str(tmp_path / "x.json")]) == 2
    said = "".join(capsys.readouterr())
    assert "provenance.run" in said
    assert "\x1b" not in said


def test_lines_of_a_run_are_shown_without_them(capsys):
    Console().say(f"select 1 of 2: {CLEAR}")
    assert capsys.readouterr().out == "select 1 of 2: \\x1b[2J\n"


def test_warnings_are_shown_without_them():
    code = (
        "import logging; from orchestrator.__main__ import main; main(['genotype', 'list', '--json']); "
        "logging.getLogger('x').warning('skipped \\x1b[2J.png')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "skipped \\x1b[2J.png\n"
