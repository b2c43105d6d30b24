"""Supernets and derived networks: sizes, parameter counts; one is the other at one-hot edge weights."""

from collections.abc import Mapping

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn

from search_space.architecture import Architecture
from search_space.backends.registry import BACKENDS
from search_space.genotype import Genotype, GenotypeError
from search_space.networks.cell import use_backend
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.discriminator import Discriminator
from search_space.networks.generator import Generator
from search_space.relaxation import one_hot, relax
from search_space.sampling import sample_genotype
from search_space.zoo.interop import load_released, released_parameters

ADVERSARIALNAS = [[1, 1, 1, 0, 3, 3, 1], [1, 1, 0, 1, 3, 3, 3], [0, 1, 0, 3, 3, 0, 3]]
PUBLISHED_COUNTS = [
    (ADVERSARIALNAS, 8_846_851),
    ([[1, 1, 1, 0, 2, 3, 1], [1, 1, 0, 1, 3, 0, 5], [0, 1, 0, 3, 0, 0, 3]], 7_142_403),
    ([[0, 1, 3, 4, 6, 4, 1], [1, 1, 4, 0, 5, 5, 3], [0, 1, 4, 5, 6, 4, 4]], 20_185_859),
    ([[0, 1, 4, 5, 3, 4, 1], [0, 2, 2, 5, 2, 1, 0], [2, 1, 5, 5, 4, 0, 4]], 13_766_915),
    ([[1, 1, 1, 1, 3, 5, 1], [1, 1, 2, 2, 3, 3, 3], [1, 1, 2, 2, 5, 2, 3]], 8_585_731),
    ([[1, 1, 1, 1, 3, 5, 1], [1, 1, 2, 2, 0, 3, 1], [1, 1, 2, 2, 5, 2, 3]], 7_405_571),
]
"""AdversarialNAS, EAGAN, MMD-AdversarialNAS, EWSGAN, CAGAN top 1 and 2: at 256 channels, for CIFAR-10."""

SMALL = GeneratorConfig(channels=2, latent_dim=6, bottom_width=2)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("rows", "count"), PUBLISHED_COUNTS)
def test_generators_have_the_published_numbers_of_parameters(rows, count):
    with torch.device("meta"):
        network = Generator(GeneratorConfig(channels=256), Genotype.from_rows("generator", rows))
    assert parameters(network) == count


def test_published_generator_has_the_published_number_of_parameters_on_stl10():
    config = GeneratorConfig(channels=270, bottom_width=6, latent_parts=2)
    with torch.device("meta"):
        network = Generator(config, Genotype.from_rows("generator", ADVERSARIALNAS))
    assert parameters(network) == 8_881_923


def test_supernets_have_the_published_numbers_of_parameters():
    assert f"{parameters(Generator(GeneratorConfig(channels=160))) / 1e6:.1f}" == "29.3"
    assert f"{parameters(Discriminator(DiscriminatorConfig(channels=80))) / 1e6:.1f}" == "11.0"


@pytest.mark.parametrize("image_channels", [1, 3])
@pytest.mark.parametrize(("bottom_width", "latent_parts"), [(1, 1), (2, 3), (4, 3), (6, 2)])
def test_generators_make_images_of_eight_times_the_bottom_width(bottom_width, latent_parts, image_channels):
    config = GeneratorConfig(
        channels=2,
        latent_dim=6,
        latent_parts=latent_parts,
        bottom_width=bottom_width,
        image_channels=image_channels,
    )
    images = Generator(config, sample_genotype("generator", 0))(torch.randn(2, 6))
    assert images.shape == (2, image_channels, 8 * bottom_width, 8 * bottom_width)
    assert config.image_size == 8 * bottom_width
    assert images.abs().max() <= 1


@pytest.mark.parametrize("image_channels", [1, 3])
@pytest.mark.parametrize("size", [16, 32, 48])
def test_discriminators_give_one_score_an_image(size, image_channels):
    config = DiscriminatorConfig(channels=2, image_channels=image_channels)
    network = Discriminator(config, sample_genotype("discriminator", 0))
    assert network(torch.randn(3, image_channels, size, size)).shape == (3, 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"latent_parts": 4}, "latent_parts: there are 3 cells to feed"),
        ({"latent_dim": 100}, "latent_dim: cannot be cut into 3 equal latent_parts"),
        ({"channels": 0}, "channels"),
        ({"width": 3}, "width"),
    ],
)
def test_impossible_generators_are_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        GeneratorConfig(**{"channels": 2} | wrong)


def test_genotype_of_the_other_network_is_refused():
    with pytest.raises(GenotypeError, match="a generator cannot be built from a discriminator's genotype"):
        Generator(SMALL, sample_genotype("discriminator", 0))


def test_each_latent_part_feeds_its_own_cell():
    """The first part is the input; a later one changes the image too, by an injection of its own."""
    generator, z = Generator(SMALL, sample_genotype("generator", 1)).eval(), torch.randn(1, 6)
    images = generator(z)
    for part in range(3):
        changed = z.clone()
        changed[:, 2 * part : 2 * part + 2] += 1
        assert not torch.equal(generator(changed), images)


@pytest.mark.usefixtures("float64")
def test_scores_of_d_do_not_depend_on_the_rest_of_the_batch():
    network = Discriminator(DiscriminatorConfig(channels=2), sample_genotype("discriminator", 3)).eval()
    images = torch.randn(3, 3, 16, 16)
    torch.testing.assert_close(network(images)[1:2], network(images[1:2]))


def chosen_alone(state: Mapping[str, Tensor], genotype: Genotype) -> dict[str, Tensor]:
    """A supernet's parameters as the derived network's: an edge holds its primitive alone, as number 0."""
    kept = dict(state)
    cell_name, edge_names = {
        "generator": ("cell", ["up0.ups", "up1.ups", *(f"c{i}.ops" for i in range(5))]),
        "discriminator": ("block", [*(f"c{i}.ops" for i in range(5)), "down0.ops", "down1.ops"]),
    }[genotype.network]
    for cell, row in enumerate(genotype.rows):
        for edge, index in zip(edge_names, row, strict=True):
            prefix = f"{cell_name}{cell + 1}.{edge}."
            held = {name: kept.pop(name) for name in list(kept) if name.startswith(prefix)}
            for name, value in held.items():
                number, rest = name.removeprefix(prefix).split(".", 1)
                if int(number) == index:
                    kept[f"{prefix}0.{rest}"] = value
    return kept


def derived_from(supernet: nn.Module, derived: nn.Module, genotype: Genotype) -> nn.Module:
    state = chosen_alone(dict(released_parameters(supernet)), genotype)
    assert {name for name, _ in released_parameters(derived)} == set(state)
    load_released(derived, state)
    return derived.eval()


one_hot_property = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.usefixtures("float64", "unchecked_shapes")
class TestSupernetAtOneHotWeightsIsTheDerivedNetwork:
    @one_hot_property
    @given(st.integers(0, 2**32))
    def test_generator(self, backend, seed):
        genotype = sample_genotype("generator", seed)
        supernet = Generator(SMALL).eval()
        derived = derived_from(supernet, Generator(SMALL, genotype), genotype)
        for network in (supernet, derived):
            use_backend(network, backend)
        z = torch.randn(2, 6)
        torch.testing.assert_close(
            supernet(z, one_hot(genotype, Architecture("generator"))), derived(z), rtol=1e-12, atol=1e-13
        )

    @one_hot_property
    @given(st.integers(0, 2**32))
    def test_discriminator(self, backend, seed):
        genotype = sample_genotype("discriminator", seed)
        self.check_discriminator(backend, genotype)

    def test_discriminator_with_a_node_that_nothing_enters_and_nothing_reads(self, backend):
        """Legal: node 1 where e0, e3 and e4 are none."""
        rows = [[2, 0, 1, 4, 4, 3, 3], [0, 1, 1, 0, 0, 3, 3], [1, 1, 1, 5, 6, 5, 5], [5, 0, 0, 1, 1, 1, 1]]
        self.check_discriminator(backend, Genotype.from_rows("discriminator", rows))

    def check_discriminator(self, backend, genotype):
        config, architecture = DiscriminatorConfig(channels=2), Architecture("discriminator")
        images = torch.randn(2, 3, 16, 16)
        supernet = Discriminator(config)
        # Until power iterations begin to converge, spectral norms blow values up, and rounding with them.
        with torch.no_grad():
            for _ in range(5):
                supernet(images, relax(architecture, "softmax"))
        derived = derived_from(supernet.eval(), Discriminator(config, genotype), genotype)
        for network in (supernet, derived):
            use_backend(network, backend)
        expected = derived(images).detach()
        found = supernet(images, one_hot(genotype, architecture)).detach()
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_softmax_supernet_trains_every_parameter(backend):
    """Each parameter of both supernets, and each architecture parameter that exists, gets a gradient."""
    torch.manual_seed(0)
    generator, discriminator = (
        Generator(GeneratorConfig(channels=3)),
        Discriminator(DiscriminatorConfig(channels=3)),
    )
    alpha, beta = Architecture("generator"), Architecture("discriminator")
    for network in (generator, discriminator):
        use_backend(network, backend)
    images = generator(torch.randn(4, 120), relax(alpha, "softmax"))
    discriminator(images, relax(beta, "softmax")).sum().backward()
    for module in (generator, discriminator, alpha, beta):
        for name, parameter in module.named_parameters():
            assert parameter.grad.abs().max() > 0, name
