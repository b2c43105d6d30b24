import pytest

from search_space.spaces.adversarialnas import ADVERSARIALNAS, DISCRIMINATOR_CELL, GENERATOR_CELL

SKIPS = ("skip_connect",) * 7


def cell(**changed: str) -> tuple[str, ...]:
    return tuple(changed.get(f"e{index}", name) for index, name in enumerate(SKIPS))


@pytest.mark.parametrize("edges", [GENERATOR_CELL, DISCRIMINATOR_CELL])
def test_a_cell_without_none_is_connected(edges):
    assert ADVERSARIALNAS.nodes_without_input(edges, SKIPS) == ()


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (cell(e2="none", e3="none"), (3,)),
        (cell(e2="none", e3="none", e6="none"), (3,)),
        (cell(e4="none", e5="none", e6="none"), (4,)),
        (cell(e2="none", e3="none", e4="none", e5="none", e6="none"), (4, 3)),
        (cell(e2="none", e4="none"), ()),
    ],
)
def test_nodes_3_and_4_of_a_generator_cell_need_an_input(names, missing):
    assert ADVERSARIALNAS.nodes_without_input(GENERATOR_CELL, names) == missing


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (cell(e1="none", e3="none"), (2,)),
        (cell(e2="none", e4="none"), (3,)),
        (cell(e1="none", e2="none", e3="none", e4="none"), (3, 2)),
        (cell(e0="none", e1="none"), (1,)),
        (cell(e0="none", e3="none"), (1,)),
    ],
)
def test_nodes_2_and_3_of_a_discriminator_cell_and_a_read_node_1_need_an_input(names, missing):
    assert ADVERSARIALNAS.nodes_without_input(DISCRIMINATOR_CELL, names) == missing


def test_node_1_of_a_discriminator_cell_may_be_empty_when_nothing_reads_it():
    assert ADVERSARIALNAS.nodes_without_input(DISCRIMINATOR_CELL, cell(e0="none", e3="none", e4="none")) == ()
