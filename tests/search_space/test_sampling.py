import itertools
from collections import Counter
from dataclasses import replace

import pytest

from search_space.sampling import sample_genotype
from search_space.spaces.registry import SPACES
from search_space.topology import Primitive


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_a_seed_names_one_valid_genotype(network):
    genotypes = [sample_genotype(network, seed) for seed in range(50)]
    assert genotypes == [sample_genotype(network, seed) for seed in range(50)]
    assert len({genotype.content_hash for genotype in genotypes}) == 50


def test_genotypes_of_known_seeds_stay_the_same():
    # Recorded once: a change here changes every baseline that names its seed.
    assert sample_genotype("generator", 0).content_hash == "54692c418ee3"
    assert sample_genotype("discriminator", 0).content_hash == "094fca52a891"


def test_every_valid_cell_is_equally_likely(monkeypatch):
    # With two primitives an edge, the choices of a G cell can be listed: 3 of 4 feed node 3, 7 of 8 node 4.
    two = {"normal": ("none", "skip_connect"), "up": ("nearest",)}
    vocabularies = {kind: tuple(map(Primitive, names)) for kind, names in two.items()}
    monkeypatch.setitem(
        SPACES, "adversarialnas", replace(SPACES["adversarialnas"], vocabularies=vocabularies)
    )
    drawn = Counter(cell for seed in range(2000) for cell in sample_genotype("generator", seed).cells)
    valid = [
        ("nearest", "nearest", *normal)
        for normal in itertools.product(two["normal"], repeat=5)
        if "skip_connect" in normal[:2] and "skip_connect" in normal[2:]
    ]
    assert set(drawn) == set(valid)
    assert len(valid) == 21
    expected = 6000 / 21
    chi_squared = sum((drawn[cell] - expected) ** 2 / expected for cell in valid)
    assert chi_squared < 45.3  # 99.9 % quantile at 20 degrees of freedom
