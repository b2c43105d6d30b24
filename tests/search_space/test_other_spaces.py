"""What is particular to the spaces of AutoGAN, alphaGAN and EAGAN."""

from itertools import product

import pytest
import torch
from scipy.stats import chisquare

from search_space.architecture import Architecture
from search_space.errors import UserError
from search_space.genotype import Genotype, GenotypeError, build
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.discriminator import require_images
from search_space.relaxation import one_hot, relax
from search_space.sampling import sample_genotype
from search_space.spaces.registry import SPACES

GENERATOR = GeneratorConfig(channels=2, latent_dim=6, latent_parts=1, bottom_width=2)
CONFIGS = {"autogan": ("generator", GENERATOR), "eagan": ("discriminator", DiscriminatorConfig(channels=2))}


def test_spaces_of_generators_have_the_published_sizes():
    assert SPACES["autogan"].size("generator") == 373_248 == 36 * 72 * 144
    assert SPACES["alphagan"].size("generator") == 198_359_290_368 == 6**9 * 3**6 * 3**3


@pytest.mark.usefixtures("unchecked_shapes")
def test_valid_architectures_number_as_published():
    assert SPACES["eagan"].valid_size("discriminator") == (6 * 48 * 48 * 37) ** 3
    assert SPACES["adversarialnas"].valid_size("generator") == (9 * 48 * 342) ** 3
    for name in ("autogan", "alphagan"):  # every combination is connected
        assert SPACES[name].valid_size("generator") == SPACES[name].size("generator")


def test_valid_cells_of_eagans_space_number_as_published():
    """Rules bind e1 with e2, e3 with e4 and e5 with e6 only: each pair is counted by itself."""
    space = SPACES["eagan"]
    (edges, *_) = space.cells["discriminator"]
    valid = ["conv_1x1"] * 5 + ["avg_pool"] * 2
    counts = []
    for places in ((0,), (1, 2), (3, 4), (5, 6)):
        counts.append(0)
        for names in product(*(space.names(edges[place].kind) for place in places)):
            cell = list(valid)
            for place, name in zip(places, names, strict=True):
                cell[place] = name
            counts[-1] += space.fault(edges, cell) is None
    assert counts == [6, 48, 48, 37]
    assert f"{(6 * 48 * 48 * 37) ** 3:.2e}" == "1.34e+17"


def test_eagans_sampler_draws_valid_rows_uniformly():
    """A node's two inputs: 48 pairs, of which 6 leave the first out; 36 of 37 ways out halve the size."""
    rows = [row for seed in range(400) for row in sample_genotype("discriminator", seed, "eagan").rows]
    without_e1 = sum(row[1] == 0 for row in rows)
    assert (
        chisquare([without_e1, len(rows) - without_e1], [len(rows) * 6 / 48, len(rows) * 42 / 48])[1] > 1e-3
    )
    keeping = sum(row[5] == -1 for row in rows)
    assert chisquare([keeping, len(rows) - keeping], [len(rows) / 37, len(rows) * 36 / 37])[1] > 1e-3


@pytest.mark.parametrize(("ways_out", "edge"), [((-1, 0), "e5"), ((2, -1), "e6")])
def test_a_row_with_exactly_one_minus_one_is_refused_with_the_cure(ways_out, edge):
    row = (3, 0, 3, 0, 1)
    with pytest.raises(GenotypeError) as error:
        Genotype.from_rows("discriminator", [(*row, -1, -1), (*row, *ways_out), (*row, 0, 0)], space="eagan")
    message = f"only {edge} keeps the size; use keep_size (-1) for both e5 and e6, or for neither"
    assert f"discriminator cells.1: {message}" in str(error.value)


def test_an_integer_outside_its_gene_is_answered_with_the_known_ones():
    rows = [(1, 0, 1, 1), (1, 3, 0, 1, 1), (1, 0, 1, 0, 3)]
    with pytest.raises(GenotypeError, match=r"cells\.1\.norm: no primitive 3; known: 0 none, 1 batch, 2 in"):
        Genotype.from_rows("generator", rows, space="autogan")


@pytest.mark.parametrize("name", CONFIGS)
def test_a_supernet_of_paths_refuses_mixtures_and_no_weights(name):
    network, config = CONFIGS[name]
    supernet = SPACES[name].build(network, config, None)
    inputs = torch.randn(2, 6) if network == "generator" else torch.randn(2, 3, 16, 16)
    mixture = relax(Architecture(network, space=name), "softmax")
    for weights in (mixture, None):
        with pytest.raises(ValueError, match="computes one path: give it one-hot edge weights"):
            supernet(inputs, weights)


@pytest.mark.parametrize("name", CONFIGS)
def test_any_path_of_a_supernet_trains_its_own_weights(name):
    """Backward works in every drawn genotype, where the released additions in place stop most of them."""
    network, config = CONFIGS[name]
    supernet = SPACES[name].build(network, config, None)
    inputs = torch.randn(2, 6) if network == "generator" else torch.randn(2, 3, 16, 16)
    trained = set()
    for seed in range(12):
        genotype = sample_genotype(network, seed, name)
        supernet.zero_grad(set_to_none=True)
        supernet(inputs, one_hot(genotype, Architecture(network, space=name))).sum().backward()
        reached = {key for key, value in supernet.named_parameters() if value.grad is not None}
        assert any(key.startswith("cells.") for key in reached)
        assert reached < {key for key, _ in supernet.named_parameters()}
        trained |= reached
    assert any("cells.2" in key for key in trained)


MIXED = [(3, 2, 2, 3, 3, 0, 2)]
"""Out of the cell, a pooling and a convolution of stride 2."""


@pytest.mark.parametrize(
    ("space", "rows", "size", "fits"),
    [
        ("adversarialnas", [(1, 2, 2, 3, 3, 0, 2), *MIXED * 3], 40, False),
        ("adversarialnas", [(1, 2, 2, 3, 3, 0, 2), *MIXED * 3], 48, True),
        ("adversarialnas", [(1, 2, 2, 3, 3, 0, 1), *[(3, 2, 2, 3, 3, 0, 1)] * 3], 40, True),
        ("eagan", MIXED * 3, 40, False),
        ("eagan", [*MIXED * 2, (3, 2, 2, 3, 3, -1, -1)], 40, True),
        ("eagan", [*MIXED * 2, (3, 2, 2, 3, 3, 2, 3)], 40, True),
    ],
)
def test_images_that_a_discriminator_cannot_halve_are_refused_with_the_cure(space, rows, size, fits):
    """40 pixels are halved to 20, 10 and 5: then a pooling gives 2 and a convolution 3."""
    config = DiscriminatorConfig(channels=2)
    network = build(Genotype.from_rows("discriminator", rows, space=space), config)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    if fits:
        require_images(network, config, size)
        network(torch.randn(1, 3, size, size))
    else:
        with pytest.raises(UserError) as refused:
            require_images(network, config, size)
        assert str(refused.value) == (
            "data.image_size = 40: the discriminator comes to maps of odd size, which its poolings and "
            "convolutions halve differently; use 32 or a fixed discriminator (search.strategy.opponent, "
            "retrain.discriminator.architecture)"
        )
        after = network.state_dict()
        assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert network.training
