"""Derived generators and the fixed discriminator against the released code."""

import pytest

from search_space.backends.registry import BACKENDS
from search_space.genotype import Genotype
from search_space.networks.cell import use_backend
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.networks.generator import Generator
from search_space.zoo.interop import load_released
from search_space.zoo.published import PUBLISHED
from tests.reference.recorded import assert_all_equal, assert_equal, by_released_name, recorded, under

CONFIGS = {
    "derived_cifar10": GeneratorConfig(channels=2),
    "derived_stl10": GeneratorConfig(channels=2, bottom_width=6, latent_parts=2),
}

pytestmark = pytest.mark.parametrize("name", CONFIGS)


def derived_generator(name: str) -> Generator:
    arrays = recorded(name)
    genotype = Genotype.from_rows("generator", arrays["genotype"].tolist())
    generator = Generator(CONFIGS[name], genotype).double().eval()
    load_released(generator, under("G/", arrays))
    return generator


def fixed_discriminator(name: str) -> FixedDiscriminator:
    discriminator = FixedDiscriminator(DiscriminatorConfig(channels=2)).double().eval()
    load_released(discriminator, under("D/", recorded(name)))
    return discriminator


def test_recorded_genotype_is_the_published_one(name):
    recorded_rows = recorded(name)["genotype"].tolist()
    assert PUBLISHED["adversarialnas"].genotype == Genotype.from_rows("generator", recorded_rows)


def test_every_recorded_parameter_is_loaded(name):
    assert_all_equal(by_released_name(derived_generator(name)), under("G/", recorded(name)))
    assert_all_equal(by_released_name(fixed_discriminator(name)), under("D/", recorded(name)))


@pytest.mark.parametrize("form", BACKENDS)
def test_generated_images_are_the_recorded_ones(name, form):
    generator = derived_generator(name)
    use_backend(generator, form)
    assert_equal(generator(recorded(name)["z"]), recorded(name)["image"])


def test_scores_of_the_fixed_discriminator_are_the_recorded_ones(name):
    assert_equal(fixed_discriminator(name)(recorded(name)["image"]), recorded(name)["D_out"])
