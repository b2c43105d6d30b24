"""Version, licence, citation and changelog agree, and the command tells the version."""

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from orchestrator.__main__ import main
from search_space.zoo.published import PUBLISHED

PROJECT = Path(__file__).parents[2]
PACKAGE = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]


def citation() -> dict:
    return yaml.safe_load((PROJECT / "CITATION.cff").read_text())


def test_the_command_tells_its_version_and_those_it_was_installed_with(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    line = capsys.readouterr().out
    assert line.startswith(f"advnas {PACKAGE['version']} (Python 3.")
    for package in ("torch", "ray", "mlflow"):
        assert f"{package} {version(package)}" in line


def test_version_and_licence_are_the_same_everywhere():
    assert citation()["version"] == PACKAGE["version"]
    assert citation()["license"] == PACKAGE["license"] == "MIT"
    assert (PROJECT / "LICENSE").read_text().startswith("MIT License")
    assert f"\n## {PACKAGE['version']}\n" in (PROJECT / "CHANGELOG.md").read_text()


def test_the_papers_of_all_published_networks_with_a_preprint_are_cited():
    cited = {reference["url"].rpartition("/")[2] for reference in citation()["references"]}
    sources = {entry.source for entry in PUBLISHED.values()}
    preprints = {
        word for source in sources for word in source.split() if word[:4].isdigit() and word[4:5] == "."
    }
    assert preprints, "published networks name their preprints"
    assert preprints <= cited


def test_every_reference_is_complete():
    for reference in citation()["references"]:
        assert reference.keys() >= {"type", "title", "authors", "year", "url", "notes"}
        assert all({"given-names", "family-names"} <= author.keys() for author in reference["authors"])
