"""The site of the documentation: built without warnings, complete, and readable without a network."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import advnas
from orchestrator.cli.commands import COMMANDS
from orchestrator.config.experiment import Experiment
from orchestrator.config.files import PRESETS
from orchestrator.config.overrides import options
from orchestrator.sweep.config import SweepConfig
from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make docs` builds it: mkdocs.yml makes every warning an error, unless --quiet hides it."""
    built = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", built]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return built


def text_of(page: Path) -> str:
    """What a reader sees."""
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


def test_every_option_command_preset_and_function_is_there(site: Path):
    reference = site / "reference"
    run, sweep = text_of(reference / "options.html"), text_of(reference / "sweep_options.html")
    assert [name for name in options(Experiment) if name not in run] == []
    assert [name for name in options(SweepConfig) if name not in sweep] == []
    commands = text_of(reference / "commands.html")
    assert [name for name in COMMANDS if f"advnas {name}" not in commands] == []
    presets = text_of(reference / "presets.html")
    assert [name for name in PRESETS if f"\n{name}" not in presets] == []
    functions = (reference / "api.html").read_text(encoding="utf-8")
    documented = {found.rpartition(".")[2] for found in re.findall(r'<h3 id="([\w.]+)"', functions)}
    assert documented >= set(advnas.HOME) - {"Experiment"}  # whose fields are the options of a run


def test_texts_of_the_repository_are_there(site: Path):
    assert "One network of a space: the name of one primitive per edge." in text_of(site / "glossary.html")
    architecture = text_of(site / "architecture.html")
    assert "Add a primitive" in architecture
    assert "orchestrator_zoo" in architecture  # of the diagram, as a table
    assert "flowchart" not in architecture
    assert "make demo" in text_of(site / "index.html")
    notebook = (site / "notebooks" / "first_search.html").read_text(encoding="utf-8")
    assert re.search(r'<img alt="[^"]+" src="first_search-\d+-\d+.png"', notebook)


def test_nothing_is_loaded_from_a_network(site: Path):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    loading = re.compile(r'<(?:script|img|iframe)[^>]*\ssrc="(?:https?:)?//|<link[^>]*\shref="(?:https?:)?//')
    assert [page.name for page in pages if loading.search(page.read_text(encoding="utf-8"))] == []
    sheets = [sheet.read_text(encoding="utf-8") for sheet in site.rglob("*.css")]
    assert sheets
    assert not any(re.search(r"(@import|url\()\s*[\"']?(https?:)?//", sheet) for sheet in sheets)


def test_the_search_index_is_part_of_the_site(site: Path):
    index = (site / "search" / "search_index.js").read_text(encoding="utf-8")
    assert "search.strategy.tau_end" in index
    assert "load_genotype" in index
