from dataclasses import replace

import pytest

from search_space.spaces.adversarialnas import ADVERSARIALNAS, CELLS, SKIP_INS
from search_space.topology import SkipIn

GENERATOR_ROW = "0>1 up, 0>2 up, 1>3 normal, 2>3 normal, 1>4 normal, 2>4 normal, 3>4 normal"
DISCRIMINATOR_ROW = "0>1 normal, 0>2 normal, 0>3 normal, 1>2 normal, 1>3 normal, 2>4 down, 3>4 down"
IMAGE_ROW = DISCRIMINATOR_ROW.replace("0>1 normal, 0>2 normal, 0>3 normal", "0>1 image, 0>2 image, 0>3 image")


def row(edges):
    return ", ".join(f"{edge.source}>{edge.target} {edge.kind}" for edge in edges)


def test_cells_have_the_published_edges_in_the_order_of_genotype_rows():
    assert [row(edges) for edges in CELLS["generator"]] == [GENERATOR_ROW] * 3
    assert [row(edges) for edges in CELLS["discriminator"]] == [IMAGE_ROW] + [DISCRIMINATOR_ROW] * 3


def test_skips_between_cells_are_the_published_ones():
    into_cell1, into_cell2, into_cell3 = SKIP_INS
    assert into_cell1 == ()
    assert into_cell2 == (SkipIn(0, "bilinear"),)
    assert into_cell3 == (SkipIn(0, "nearest"), SkipIn(1, "nearest"))


@pytest.mark.parametrize("network", CELLS)
def test_every_edge_has_a_row_of_its_own_in_the_architecture_parameters(network):
    for edges in CELLS[network]:
        places = ADVERSARIALNAS.slots(edges)
        assert sorted(places) == [("normal", i) for i in range(5)] + [("resample", i) for i in range(2)]
        for edge, (group, _) in zip(edges, places, strict=True):
            assert (group == "resample") == (edge.kind in ("up", "down"))


def test_rows_of_the_architecture_parameters_are_in_edge_order():
    assert [slot for _, slot in ADVERSARIALNAS.slots(CELLS["generator"][0])] == [0, 1, 0, 1, 2, 3, 4]
    assert [slot for _, slot in ADVERSARIALNAS.slots(CELLS["discriminator"][0])] == [0, 1, 2, 3, 4, 0, 1]


def test_space_is_as_large_as_published():
    """The paper gives the edges of D's first cell seven primitives, although only five exist there."""
    generator = ADVERSARIALNAS.size("generator")
    seven = replace(
        ADVERSARIALNAS,
        vocabularies={**ADVERSARIALNAS.vocabularies, "image": ADVERSARIALNAS.vocabularies["normal"]},
    )
    as_published = generator * seven.size("discriminator")
    assert generator == (3**2 * 7**5) ** 3
    assert f"{generator:.2e}" == "3.46e+15"
    assert f"{as_published:.3e}" == "4.638e+38"


def test_space_without_operations_that_do_not_exist_is_smaller():
    assert f"{ADVERSARIALNAS.size('generator') * ADVERSARIALNAS.size('discriminator'):.3e}" == "1.690e+38"


def test_size_of_the_space_counts_the_vocabularies():
    """Computed, not typed in: one more way to go up multiplies every one of six edges by 4/3."""
    up = ADVERSARIALNAS.vocabularies["up"]
    larger = replace(ADVERSARIALNAS, vocabularies={**ADVERSARIALNAS.vocabularies, "up": (*up, up[0])})
    assert larger.size("generator") * 3**6 == ADVERSARIALNAS.size("generator") * 4**6
