from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from orchestrator.config.overrides import is_text, options
from search_space.frozen import Frozen


class Cat(Frozen):
    kind: Literal["cat"] = "cat"
    lives: int = 9
    home: Annotated[str, Field(min_length=1)] | None = None


class Dog(Frozen):
    kind: Literal["dog"] = "dog"
    home: Path


class Household(Frozen):
    rooms: PositiveInt
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


def test_names_are_dotted_and_a_tagged_section_has_those_of_all_its_kinds():
    assert set(options(Household)) == {"rooms", "pet.kind", "pet.lives", "pet.home"}


def test_types_are_those_of_all_kinds_without_their_constraints():
    known = options(Household)
    assert known["rooms"] == {int}
    assert known["pet.home"] == {str, type(None), Path}
    assert known["pet.kind"] == {Literal["cat"], Literal["dog"]}


def test_only_names_and_paths_take_text_as_it_stands():
    known = options(Household)
    assert {name for name in known if is_text(known[name])} == {"pet.home"}
