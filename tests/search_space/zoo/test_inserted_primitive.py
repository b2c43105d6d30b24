"""A primitive in the middle of a vocabulary changes no published genotype, hash or file."""

import importlib
import sys
from dataclasses import replace

import numpy as np
import pytest

import search_space.zoo
from search_space.genotype import Genotype, GenotypeError
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.sampling import count_parameters
from search_space.spaces.registry import SPACES
from search_space.topology import Primitive
from search_space.zoo import published

HASHES = {
    "adversarialnas": "ab8fd501ffd2",
    "eagan": "be4808232459",
    "mmd_adversarialnas": "d1cec400211e",
    "ewsgan": "2e53c0d259d9",
    "cagan_top1": "415130d1a3aa",
    "cagan_top2": "818d08277d56",
    "adversarialnas_discriminator": "2845e6cda1b7",
}
"""Printed before genotypes were stored by name."""

CAGAN_TOP1 = ((1, 1, 1, 1, 3, 5, 1), (1, 1, 2, 2, 3, 3, 3), (1, 1, 2, 2, 5, 2, 3))


@pytest.fixture
def zoo(monkeypatch):
    """The zoo as a space reads it that has conv_7x7 between conv_5x5 and dil_conv_3x3, and a way up more."""
    space = SPACES["adversarialnas"]
    larger = {
        kind: (*vocabulary[:-2], Primitive("conv_7x7", "conv", kernel=7), *vocabulary[-2:])
        for kind, vocabulary in space.vocabularies.items()
        if kind != "up"
    }
    up = space.vocabularies["up"]
    larger["up"] = (Primitive("area", "nearest"), *up)
    monkeypatch.setitem(SPACES, "adversarialnas", replace(space, vocabularies=larger))
    assert SPACES["adversarialnas"].names("normal").index("dil_conv_3x3") == 6
    # Imported anew, so that the genotypes are made in the changed space; both undo themselves.
    monkeypatch.setattr(search_space.zoo, "published", published)
    monkeypatch.delitem(sys.modules, published.__name__)
    return importlib.import_module(published.__name__).PUBLISHED


def test_published_genotypes_and_their_hashes_stay(zoo):
    in_the_space = {n: each.genotype for n, each in zoo.items() if each.genotype.space == "adversarialnas"}
    assert {name: genotype.content_hash for name, genotype in in_the_space.items()} == HASHES
    assert zoo["cagan_top1"].genotype.cells[0][5] == "dil_conv_3x3"


def test_published_rows_and_npy_files_stay(zoo, tmp_path):
    genotype = zoo["cagan_top1"].genotype
    assert genotype.rows == CAGAN_TOP1
    genotype.save(tmp_path / "ours.npy")
    assert np.load(tmp_path / "ours.npy").tolist() == np.array(CAGAN_TOP1).tolist()
    np.save(tmp_path / "theirs.npy", np.array(CAGAN_TOP1, dtype=np.uint8))
    assert Genotype.load(tmp_path / "theirs.npy") == genotype


def test_the_new_primitive_can_be_used_but_has_no_published_form(zoo, tmp_path):
    cells = [list(cell) for cell in zoo["cagan_top1"].genotype.cells]
    cells[1][4] = "conv_7x7"
    mine = Genotype(network="generator", cells=cells)
    mine.save(tmp_path / "mine.json")
    assert Genotype.load(tmp_path / "mine.json") == mine
    with pytest.raises(GenotypeError, match=r"generator cells\.1\.e4: conv_7x7 has no published index; save"):
        mine.save(tmp_path / "mine.npy")


@pytest.mark.parametrize("name", [n for n, p in published.PUBLISHED.items() if p.expected_parameters])
def test_published_counts_come_from_the_table_too(name):
    each = published.PUBLISHED[name]
    latent_dim = SPACES[each.genotype.space].latent_dim
    config = {
        "generator": GeneratorConfig(channels=256, latent_dim=latent_dim, latent_parts=1),
        "discriminator": DiscriminatorConfig(channels=128),
    }[each.genotype.network]
    if each.genotype.space == "adversarialnas":
        config = GeneratorConfig(channels=256)
    assert count_parameters(each.genotype, config) == each.expected_parameters


def test_the_published_count_for_stl10_comes_from_the_table_too():
    config = GeneratorConfig(channels=270, bottom_width=6, latent_parts=2)
    assert count_parameters(published.PUBLISHED["adversarialnas"].genotype, config) == 8_881_923
