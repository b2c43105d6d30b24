"""Tab completion, asked as bash and zsh ask: the shell's own function starts the program for every word."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.config.files import PRESETS

REPOSITORY = Path(__file__).parents[4]

BASH = """
eval "$({register} advnas)"
COMP_LINE='{line}' COMP_POINT={point} COMP_TYPE=9
COMP_WORDS=({line}) COMP_CWORD=1
_python_argcomplete advnas
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

ZSH = """
autoload -U compinit && compinit -u -D
_describe() {{ print -rl -- "${{(@P)2}}" }}
eval "$({register} --shell zsh advnas)"
words=({line} '') CURRENT=${{#words}} BUFFER='{line}' CURSOR={point} service=advnas
_python_argcomplete advnas
"""


@pytest.fixture
def ask(tmp_path):
    """What a shell offers for the word at the end of a line."""
    program = tmp_path / "advnas"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m orchestrator "$@"\n')
    program.chmod(0o755)
    (tmp_path / "own.yaml").touch()
    (tmp_path / "notes.txt").touch()
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "HOME": str(tmp_path),
    }

    def offered(line, shell="bash"):
        register = f"{sys.executable} {Path(sys.executable).with_name('register-python-argcomplete')}"
        script = (BASH if shell == "bash" else ZSH).format(line=line, point=len(line), register=register)
        done = subprocess.run(
            [shell, "-c", script],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=300,
        )
        assert not done.stderr, done.stderr
        words = [word.strip() for word in done.stdout.splitlines()]
        return [word.split(":")[0] for word in words] if shell == "zsh" else words

    return offered


def test_bash_completes_commands_presets_and_options(ask):
    assert ask("advnas se") == ["search", "select"]
    assert {*PRESETS, "own.yaml"} == {*ask("advnas search ")}
    assert ask("advnas search digits --search.ga") == ["--search.gap_steps"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("advnas genotype ", ["convert", "draw", "list", "show"]),
        ("advnas zoo ", ["retrain"]),
        ("advnas search digits --cluster.use_gpu ", ["false", "true"]),
        ("advnas search digits --search.strategy o", ["one_shot"]),
        ("advnas sweep sw", ["sweep_digits"]),
        ("advnas genotype list --sp", ["--space"]),
    ],
)
def test_bash_completes_what_belongs_to_the_words_before(ask, line, expected):
    assert sorted(ask(line)) == expected


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_asks_the_same_program(ask):
    assert sorted(ask("advnas se", "zsh")) == ["search", "select"]


def test_placeholders_are_not_offered_as_values(ask):
    for option in ("--data.background", "--search.generator.bottom_width"):
        assert not {"TEXT", "INT", "null", "auto"} & {*ask(f"advnas search digits {option} ")}
