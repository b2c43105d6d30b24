"""Networks of AutoGAN's, alphaGAN's and EAGAN's space against the released code of each."""

from functools import partial

import pytest
import torch

from search_space.architecture import EdgeWeights
from search_space.genotype import Genotype, build
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.spaces.autogan import rows_of
from search_space.spaces.registry import SPACES
from search_space.zoo.published import PUBLISHED
from tests.reference.names_of_other_spaces import NAMES, load, unchecked
from tests.reference.recorded import assert_equal, recorded, under

pytestmark = pytest.mark.usefixtures("float64")

GENERATOR = GeneratorConfig(channels=4, latent_dim=8, latent_parts=1, bottom_width=2)
DISCRIMINATOR = DiscriminatorConfig(channels=4)

AUTOGAN_NAMES = ("autogan_a", "autogan_b", "autogan_c", "e2gan")

ALPHAGAN = {
    "alphaGAN_s": lambda: PUBLISHED["alphagan_s"].genotype,
    "alphaGAN_l": lambda: PUBLISHED["alphagan_l"].genotype,
    "cover": lambda: unchecked(
        "alphagan",
        "deconv nearest sep_conv_7x7 conv_1x1 conv_3x3",
        "nearest deconv conv_5x5 sep_conv_3x3 skip_connect deconv",
        "bilinear deconv conv_3x3 none sep_conv_5x5 deconv deconv",
    ),
}
EAGAN = {"base": "autogan_d", "cifar10_D": "eagan_cifar10", "stl10_D": "eagan_stl10"}


def weights(prefix, arrays):
    return {name: value.double() for name, value in under(prefix, arrays).items()}


def assert_forwards_are_recorded(forward, network, inputs, probe, evaluated, trained, gradient):
    """Evaluation mode first, as training moves the statistics."""
    inputs = inputs.clone().requires_grad_()
    network.eval()
    assert_equal(forward(inputs), evaluated, "eval")
    network.train()
    output = forward(inputs)
    assert_equal(output, trained, "train")
    assert_equal(torch.autograd.grad((output * probe).sum(), inputs)[0], gradient, "gradient")


@pytest.mark.parametrize("row", range(12))
@pytest.mark.parametrize("form", ["derived", "supernet"])
def test_generators_of_autogans_space_are_the_released_ones(row, form):
    arrays = recorded("autogan")
    genotype = Genotype.from_rows("generator", rows_of(arrays["archs"][row].tolist()), space="autogan")
    if form == "derived":
        network = build(genotype, GENERATOR)
        forward = network
    else:
        network = SPACES["autogan"].build("generator", GENERATOR, None)
        forward = partial(network, edge_weights=one_hot(genotype))
    load(network, weights("w/", arrays), NAMES["autogan"])
    expected = (arrays[name][row] for name in ("eval", "train", "grad_z"))
    assert_forwards_are_recorded(forward, network, arrays["z"], arrays["probe"], *expected)


def one_hot(genotype):
    """Of a space whose cells have their own numbers of genes: padded with zeros."""
    space = SPACES[genotype.space]
    cells = space.cells[genotype.network]
    weights = EdgeWeights({group: torch.zeros(len(cells), 7, 7) for group in space.groups.values()})
    for index, (edges, names) in enumerate(zip(cells, genotype.cells, strict=True)):
        for edge, (group, row), name in zip(edges, space.slots(edges), names, strict=True):
            weights[group][index, row, space.names(edge.kind).index(name)] = 1
    return weights


@pytest.mark.parametrize(("row", "name"), enumerate(AUTOGAN_NAMES))
def test_published_vectors_are_the_recorded_ones(row, name):
    recorded_rows = rows_of(recorded("autogan")["archs"][row].tolist())
    assert PUBLISHED[name].genotype.rows == tuple(map(tuple, recorded_rows))


@pytest.mark.parametrize("name", ALPHAGAN)
def test_generators_of_alphagans_space_are_the_released_ones(name):
    arrays = recorded("alphagan")
    network = build(ALPHAGAN[name](), GENERATOR)
    given = weights(f"{name}/w/", arrays)
    assert load(network, given, NAMES["alphagan"]) == given.keys()
    expected = (arrays[f"{name}/{what}"] for what in ("eval", "train", "grad_input"))
    assert_forwards_are_recorded(network, network, arrays["z"], arrays["probe"], *expected)


def test_supernet_of_alphagan_is_the_released_one_with_gradients_of_the_logits():
    arrays = recorded("alphagan")
    network = SPACES["alphagan"].build("generator", GENERATOR, None)
    given = weights("supernet/w/", arrays)
    assert load(network, given, NAMES["alphagan supernet"]) == given.keys()
    logits = {
        name: value.clone().requires_grad_() for name, value in under("supernet/alpha/", arrays).items()
    }

    def forward(z):
        soft = {name: value.softmax(-1) for name, value in logits.items()}
        groups = {
            group: torch.stack([soft[f"{group}_{cell}"] for cell in (1, 2, 3)]) for group in ("normal", "up")
        }
        skips = torch.stack(
            [torch.zeros(2, 3), torch.cat([soft["skip_2"], torch.zeros(1, 3)]), soft["skip_3"]]
        )
        return network(z, EdgeWeights({**groups, "skip": skips}))

    expected = (arrays[f"supernet/{what}"] for what in ("eval", "train", "grad_input"))
    assert_forwards_are_recorded(forward, network, arrays["z"], arrays["probe"], *expected)
    load(network, given, NAMES["alphagan supernet"])
    gradients = torch.autograd.grad((forward(arrays["z"]) * arrays["probe"]).sum(), list(logits.values()))
    for name, gradient in zip(logits, gradients, strict=True):
        assert_equal(gradient, arrays[f"supernet/grad_alpha/{name}"], name)


@pytest.mark.parametrize("name", [*EAGAN, "cover_1", "cover_2"])
def test_discriminators_of_eagans_space_are_the_released_ones(name):
    arrays = recorded("eagan_discriminator")
    genotype = eagan_genotype(name)
    network = build(genotype, DISCRIMINATOR)
    given = weights(f"{name}/w/", arrays)
    assert load(network, given, NAMES["eagan"]) == given.keys()
    expected = (arrays[f"{name}/{what}"] for what in ("eval", "train", "grad_input"))
    assert_forwards_are_recorded(network, network, arrays["images"], arrays["probe"], *expected)


def eagan_genotype(name):
    rows = recorded("eagan_discriminator")[f"{name}/genotype"].tolist()
    return Genotype.from_rows("discriminator", rows, space="eagan")


@pytest.mark.parametrize("name", ["cifar10_D", "cover_1", "cover_2"])
def test_a_path_of_eagans_supernet_is_the_derived_network(name):
    genotype = eagan_genotype(name)
    derived = build(genotype, DISCRIMINATOR)
    supernet = SPACES["eagan"].build("discriminator", DISCRIMINATOR, None)
    given = derived.state_dict()
    supernet.load_state_dict(given, strict=False)
    assert given.keys() <= supernet.state_dict().keys()
    images = recorded("eagan_discriminator")["images"]
    assert torch.equal(supernet(images, one_hot(genotype)), derived(images))


@pytest.mark.parametrize(("recorded_name", "name"), EAGAN.items())
def test_published_discriminators_are_the_recorded_ones(recorded_name, name):
    assert PUBLISHED[name].genotype == eagan_genotype(recorded_name)


@pytest.mark.parametrize("channels", [4, 16])
def test_autogans_discriminator_is_a_point_of_eagans_space_to_the_bit(channels):
    config = DiscriminatorConfig(channels=channels)
    point, fixed = build(PUBLISHED["autogan_d"].genotype, config), FixedDiscriminator(config)
    point.first.load_state_dict(fixed.blocks[0].state_dict())
    for block, cell in zip(fixed.blocks[1:], point.cells, strict=True):
        cell.edges["e0"]["conv_3x3"].load_state_dict(block.conv1.state_dict())
        cell.edges["e2"]["conv_3x3"].load_state_dict(block.conv2.state_dict())
        if block.shortcut is not None:
            cell.edges["e4"]["conv_1x1"].load_state_dict(block.shortcut.state_dict())
    point.score.load_state_dict(fixed.score.state_dict())
    images = torch.randn(3, 3, 32, 32)
    for mode in (True, False):
        assert torch.equal(point.train(mode)(images), fixed.train(mode)(images))
