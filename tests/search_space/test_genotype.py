import json

import pytest
from pydantic import ValidationError

from search_space.genotype import Genotype, GenotypeError, Provenance

GENERATOR = ((1, 1, 1, 0, 3, 3, 1), (1, 1, 0, 1, 3, 3, 3), (0, 1, 0, 3, 3, 0, 3))
DISCRIMINATOR = (
    (2, 0, 1, 4, 4, 3, 3),
    (4, 1, 0, 0, 3, 5, 3),
    (1, 1, 1, 5, 6, 5, 5),
    (5, 0, 0, 1, 1, 1, 1),
)
FIRST_CELL = ("bilinear", "bilinear", "skip_connect", "none", "conv_3x3", "conv_3x3", "skip_connect")


def with_row(index: int, row: tuple[int, ...], rows=GENERATOR):
    return (*rows[:index], row, *rows[index + 1 :])


def json_with(**changed) -> str:
    return json.dumps(json.loads(Genotype.from_rows("generator", GENERATOR).to_json()) | changed)


def test_rows_name_primitives_by_each_edges_own_vocabulary():
    assert Genotype.from_rows("generator", GENERATOR).cells[0] == FIRST_CELL
    image_cell = Genotype.from_rows("discriminator", DISCRIMINATOR).cells[0]
    assert image_cell == (
        "conv_5x5", "conv_1x1", "conv_3x3", "conv_5x5", "conv_5x5", "conv_5x5", "conv_5x5",
    )  # fmt: skip


@pytest.mark.parametrize(("network", "rows"), [("generator", GENERATOR), ("discriminator", DISCRIMINATOR)])
def test_rows_and_json_come_back_unchanged(network, rows):
    genotype = Genotype.from_rows(network, rows, Provenance(run="a", step=10, seed=3, git_commit="c0ffee"))
    assert genotype.rows == rows
    assert Genotype.from_json(genotype.to_json()) == genotype


def test_content_hash_ignores_provenance_and_nothing_else():
    plain = Genotype.from_rows("generator", GENERATOR)
    found = Genotype.from_rows("generator", GENERATOR, Provenance(run="a", step=10))
    other = Genotype.from_rows("generator", with_row(0, (1, 1, 1, 0, 3, 3, 2)))
    assert plain != found
    assert plain.content_hash == found.content_hash
    assert plain.content_hash != other.content_hash


def test_content_hash_stays_what_files_and_runs_already_call_the_architecture():
    # printf '["adversarialnas","generator",[["bilinear",...],...]]' | sha256sum | cut -c1-12
    assert Genotype.from_rows("generator", GENERATOR).content_hash == "ab8fd501ffd2"


def test_a_genotype_cannot_be_changed():
    with pytest.raises(ValidationError):
        Genotype.from_rows("generator", GENERATOR).network = "discriminator"


@pytest.mark.parametrize(
    ("network", "rows", "message"),
    [
        ("generator", GENERATOR[:2], "generator cells: 2 given; a generator has 3"),
        ("generator", DISCRIMINATOR, "generator cells: 4 given; a generator has 3"),
        (
            "generator",
            with_row(1, (1, 1, 0)),
            "generator cells.1: 3 edges given; a cell of adversarialnas has 7",
        ),
        (
            "generator",
            with_row(2, (3, 1, 0, 3, 3, 0, 3)),
            "generator cells.2.e0: no primitive 3; known: 0 nearest, 1 bilinear, 2 ConvTranspose",
        ),
        (
            "discriminator",
            with_row(0, (5, 0, 1, 4, 4, 3, 3), DISCRIMINATOR),
            "discriminator cells.0.e0: no primitive 5; known: 0 conv_1x1, 1 conv_3x3, 2 conv_5x5, "
            "3 dil_conv_3x3, 4 dil_conv_5x5",
        ),
        (
            "generator",
            with_row(0, (1, 1, 0, 0, 3, 3, 1)),
            "generator cells.0: node 3 has no input; choose an operation other than none for e2 or e3",
        ),
        (
            "discriminator",
            with_row(3, (0, 1, 1, 1, 0, 1, 1), DISCRIMINATOR),
            "discriminator cells.3: node 1 has no input; choose an operation other than none for e0",
        ),
    ],
)
def test_wrong_rows_are_refused_with_the_place_and_the_cure(network, rows, message):
    with pytest.raises(GenotypeError) as error:
        Genotype.from_rows(network, rows)
    assert str(error.value) == message


def test_an_unknown_primitive_is_refused_with_the_known_ones():
    cells = [list(cell) for cell in Genotype.from_rows("generator", GENERATOR).cells]
    cells[1][2] = "conv_7x7"
    with pytest.raises(
        GenotypeError, match=r"cells\.1\.e2: unknown primitive 'conv_7x7'; known: none, skip_con"
    ):
        Genotype(network="generator", cells=cells)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (json_with(space="darts"), "unknown space 'darts'; known: adversarialnas"),
        (
            json_with(network="critic"),
            "network: Input should be 'generator' or 'discriminator', found 'critic'",
        ),
        (json_with(network="discriminator"), "discriminator cells: 3 given"),
        (json_with(format_version=2), "format_version: Input should be 1, found 2"),
        (json_with(cells=[1, 2]), "cells.0: Input should be a valid"),
        (json_with(extra="x"), "extra: Extra inputs are not permitted"),
        ("{}", "network: Field required"),
        ("[]", "genotype: "),
        ('{"network": "gen', "genotype: Invalid JSON"),
        ("", "genotype: Invalid JSON"),
        ("[" * 100_000, "genotype: Invalid JSON"),
    ],
)
def test_wrong_json_is_refused_in_one_line(text, part):
    with pytest.raises(GenotypeError) as error:
        Genotype.from_json(text)
    assert part in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300
