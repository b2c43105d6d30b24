"""Sections, types and texts of options, and the comments of YAML files."""

from collections.abc import Mapping

import pytest
from pydantic import BaseModel, Field

from orchestrator.config.automatic import FOLLOWING
from orchestrator.config.description import comments, sections
from orchestrator.config.experiment import Experiment
from orchestrator.config.files import FOLDER, PRESETS
from orchestrator.config.overrides import options
from orchestrator.sweep.config import SweepConfig
from search_space.frozen import Frozen


class Inner(Frozen):
    """Inside."""

    text: str | None = None
    """Two
    lines."""
    bare: int = 1


class Outer(Frozen):
    """Outside."""

    inner: Inner | None = None
    numbers: tuple[float, ...] = ()
    """Some."""
    named: Mapping[str, int] = Field(default_factory=dict)
    """By name."""


def undescribed(model: type[BaseModel]) -> list[str]:
    return [option.name for section in sections(model, "") for option in section.options if not option.about]


@pytest.mark.parametrize("model", [Experiment, SweepConfig])
def test_every_option_has_a_description(model):
    assert undescribed(model) == []


def test_an_option_without_one_is_found():
    assert undescribed(Outer) == ["inner.bare"]


@pytest.mark.parametrize("model", [Experiment, SweepConfig, Outer])
def test_the_options_are_those_that_a_configuration_takes(model):
    assert {option.name for section in sections(model, "") for option in section.options} == set(
        options(model)
    )


def test_types_and_texts_are_those_of_the_fields():
    outside, inside = sections(Outer, "all")
    assert [(section.title, section.about) for section in (outside, inside)] == [
        ("all", "Outside."),
        ("inner", "Inside."),
    ]
    assert [(option.kind, option.default) for option in outside.options] == [
        ("[FLOAT, ...]", []),
        ("{NAME: INT, ...}", {}),
    ]
    assert [(option.kind, option.about) for option in inside.options] == [
        ("TEXT|null", "Two lines."),
        ("INT", ""),
    ]


def test_comments_belong_to_the_option_they_stand_beside():
    text = (
        "# of the file\n"
        "a: '#1'  # one\n"
        "b:       # a section\n"
        "  c: [1,\n"
        "      2] # two lines\n"
        "         # and a third\n"
        "  # of what follows\n"
        "  d: null\n"
        "e: x # last"
    )
    assert comments(text) == {"a": "one", "b": "a section", "b.c": "two lines and a third", "e": "last"}


@pytest.mark.parametrize("text", ["", "text", "[1, 2]  # no section"])
def test_what_is_no_section_has_no_comments(text):
    assert comments(text) == {}


@pytest.mark.parametrize("preset", PRESETS)
def test_comments_of_a_preset_are_of_options_that_exist(preset):
    found = comments((FOLDER / f"{preset}.yaml").read_text())
    known = options(Experiment)
    assert len(found) > 50
    assert all(name in known or any(each.startswith(f"{name}.") for each in known) for name in found)


def test_options_that_may_be_auto_say_so_and_are_options():
    kinds = {
        option.name: option.kind for section in sections(Experiment, "run") for option in section.options
    }
    assert {name for name, kind in kinds.items() if kind.endswith("|auto")} - FOLLOWING == {"compute.backend"}
    assert all(kinds[name].endswith("|auto") for name in FOLLOWING)
