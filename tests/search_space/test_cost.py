"""Costs, against sums made by hand."""

import torch

from search_space.cost import cost, multiply_adds
from search_space.genotype import Genotype
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.discriminator import Discriminator
from search_space.networks.generator import Generator
from search_space.zoo.published import PUBLISHED

C = 4


def test_a_generators_multiply_adds_are_the_products_of_its_convolutions_and_linear_layers() -> None:
    # Cell 1: nearest, bilinear, skip, none, conv_3x3, none, conv_1x1; the others the same.
    genotype = Genotype.from_rows("generator", [[0, 1, 1, 0, 3, 0, 2]] * 3)
    network = Generator(GeneratorConfig(channels=C, latent_dim=6, bottom_width=2), genotype).eval()
    linear = sum(2 * C * width**2 for width in (2, 4, 8))
    cells = sum(
        # two 1x1 after upsampling, a 3x3, a 1x1, and one 1x1 a skip from an earlier cell
        width**2 * C * C * (1 + 1 + 9 + 1 + earlier)
        for earlier, width in enumerate((4, 8, 16))
    )
    to_image = 16**2 * C * 3 * 9
    assert multiply_adds(network, torch.randn(1, 6)) == linear + cells + to_image


def test_a_transposed_upsampling_counts_each_input_pixel_with_every_tap_it_meets() -> None:
    genotypes = [
        Genotype.from_rows("generator", [[up, 0, 1, 0, 1, 0, 1], *[[0, 0, 1, 0, 1, 0, 1]] * 2])
        for up in (0, 2)
    ]
    config = GeneratorConfig(channels=C, latent_dim=6, bottom_width=2)
    nearest, transposed = (
        multiply_adds(Generator(config, genotype).eval(), torch.randn(1, 6)) for genotype in genotypes
    )
    assert transposed - nearest == 2 * 2 * C * 9  # the 1x1 after it is the same


def test_batches_cost_in_proportion() -> None:
    network = Generator(
        GeneratorConfig(channels=C, latent_dim=6, bottom_width=2), PUBLISHED["eagan"].genotype
    ).eval()
    one, three = (multiply_adds(network, torch.randn(count, 6)) for count in (1, 3))
    assert three == 3 * one


def test_a_cost_has_all_three_and_leaves_the_network_as_it_was() -> None:
    network = Discriminator(
        DiscriminatorConfig(channels=C), PUBLISHED["adversarialnas_discriminator"].genotype
    ).eval()
    images = torch.randn(1, 3, 16, 16)
    before = network(images)
    found = cost(network, images)
    assert found.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert found.multiply_adds > 0
    assert found.seconds > 0
    assert torch.equal(network(images), before)
