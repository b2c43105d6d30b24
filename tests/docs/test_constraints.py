"""The exact versions that users may install are those of pyproject.toml, and every dependency has one."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
LINES = (PROJECT / "constraints.txt").read_text().splitlines()
VERSIONS = dict(line.split("==") for line in LINES)
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
WRITER = runpy.run_path(str(PROJECT / "docs" / "write_constraints.py"))


def test_the_file_holds_names_and_versions_alone():
    assert len(LINES) > 100
    assert [line for line in LINES if not re.fullmatch(r"[a-z0-9-]+==\d+(\.\w+)*", line)] == []
    assert sorted(LINES) == sorted(set(LINES))


def test_it_takes_what_pyproject_takes():
    for wanted in WRITER["direct"]():
        assert wanted.specifier.contains(VERSIONS[canonicalize_name(wanted.name)]), wanted


@pytest.mark.parametrize("pin", PYPROJECT["tool"]["uv"]["constraint-dependencies"])
def test_it_agrees_with_the_versions_that_make_installs(pin):
    wanted = Requirement(pin)
    assert VERSIONS[canonicalize_name(wanted.name)] == str(wanted.specifier).removeprefix("==")


def test_packages_that_nothing_needs_are_not_in_it():
    assert "pip" not in VERSIONS
    assert "advnas" not in VERSIONS
    assert {"torch", "sqlalchemy", "pytest"} <= VERSIONS.keys()
