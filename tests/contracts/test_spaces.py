"""What every registered search space promises. Whoever registers one adds its configurations here."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.genotype import Genotype, GenotypeError, build
from search_space.networks.cell import Cell
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig, NetworkConfig
from search_space.relaxation import one_hot, relax
from search_space.sampling import count_parameters, sample_genotype
from search_space.space import SearchSpace
from search_space.spaces.registry import SPACES
from search_space.stacked import StackedConvolution, StackedTransposed
from search_space.topology import Network

CONFIGS: dict[Network, Sequence[NetworkConfig]] = {
    "generator": (
        GeneratorConfig(channels=2, latent_dim=6, bottom_width=2),
        GeneratorConfig(channels=5, latent_dim=8, latent_parts=2, bottom_width=3, image_channels=1),
        GeneratorConfig(channels=256),
        GeneratorConfig(channels=270, bottom_width=6, latent_parts=2),
    ),
    "discriminator": (
        DiscriminatorConfig(channels=2),
        DiscriminatorConfig(channels=5, image_channels=1),
        DiscriminatorConfig(channels=128),
    ),
}
"""The first of each is small enough to run."""

SEEDS = range(12)
NETWORKS = [(name, network) for name, space in SPACES.items() for network in space.cells]

of_every_network = pytest.mark.parametrize(("name", "network"), NETWORKS)


def inputs_of(network: Network) -> Tensor:
    config = CONFIGS[network][0]
    if isinstance(config, GeneratorConfig):
        return torch.randn(3, config.latent_dim)
    return torch.randn(3, config.image_channels, 16, 16)


def test_registered_names_are_those_of_the_spaces():
    assert {name: space.name for name, space in SPACES.items()} == {name: name for name in SPACES}


def test_a_space_is_read_without_torch():
    code = "import sys, search_space.spaces.registry, search_space.sampling; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


@of_every_network
def test_a_seed_names_one_genotype(name, network):
    first = [sample_genotype(network, seed, name) for seed in SEEDS]
    assert first == [sample_genotype(network, seed, name) for seed in SEEDS]
    assert {(genotype.space, genotype.network) for genotype in first} == {(name, network)}
    # In a space of a few hundred, some of them may meet.
    assert len({genotype.content_hash for genotype in first}) > len(SEEDS) * 3 // 4


@of_every_network
def test_json_gives_the_genotype_back(name, network):
    for seed in SEEDS:
        genotype = sample_genotype(network, seed, name)
        assert Genotype.from_json(genotype.to_json()) == genotype
        assert json.loads(genotype.to_json())["space"] == name


def _is_published(genotype: Genotype) -> bool:
    """Whether every primitive that it uses has an index."""
    space = SPACES[genotype.space]
    return all(
        name in space.published[edge.kind]
        for edges, names in zip(space.cells[genotype.network], genotype.cells, strict=True)
        for edge, name in zip(edges, names, strict=True)
    )


@of_every_network
def test_the_published_form_gives_the_genotype_back(name, network):
    space = SPACES[name]
    if any(edge.kind not in space.published for cell in space.cells[network] for edge in cell):
        pytest.skip(f"{name} has no published form")
    for seed in SEEDS:
        genotype = sample_genotype(network, seed, name)
        if _is_published(genotype):
            assert Genotype.from_rows(network, genotype.rows, genotype.provenance, name) == genotype
        else:
            with pytest.raises(GenotypeError, match="has no published index"):
                _ = genotype.rows
            assert genotype.listed == genotype.cells


@of_every_network
def test_published_indices_name_one_primitive_each(name, network):
    space = SPACES[name]
    for kind in {edge.kind for cell in space.cells[network] for edge in cell} & set(space.published):
        indices = space.published[kind]
        assert set(indices) <= set(space.names(kind))
        assert len(set(indices.values())) == len(indices)


@of_every_network
def test_every_node_that_is_read_has_an_input(name, network):
    """Counted here from the edges alone."""
    space = SPACES[name]
    if space.output_node is None:
        pytest.skip(f"the edges of {name} join no nodes")
    for seed in SEEDS:
        for edges, names in zip(
            space.cells[network], sample_genotype(network, seed, name).cells, strict=True
        ):
            used = [edge for edge, chosen in zip(edges, names, strict=True) if chosen != "none"]
            entered = {0, *(edge.target for edge in used)}
            assert {space.output_node, *(edge.source for edge in used)} <= entered


@of_every_network
def test_any_cell_is_repaired_into_a_valid_one_and_a_valid_one_stays(name, network):
    space = SPACES[name]
    for edges in space.cells[network]:
        # Each edge prefers its first primitives: in a graph that is none nearly everywhere.
        scores = [{each: -float(i) for i, each in enumerate(space.names(edge.kind))} for edge in edges]
        for number in range(max(map(len, scores))):
            worst = [list(edge)[min(number, len(edge) - 1)] for edge in scores]
            repaired = space.repair(edges, worst, scores)
            assert space.fault(edges, repaired) is None
            assert space.repair(edges, repaired, scores) == repaired


@of_every_network
def test_derived_networks_give_images_of_the_promised_size_or_one_score_each(name, network):
    config = CONFIGS[network][0]
    genotype = sample_genotype(network, 0, name)
    result = build(genotype, config)(inputs_of(network))
    if isinstance(config, GeneratorConfig):
        size = SPACES[name].image_size(config)
        assert result.shape == (3, config.image_channels, size, size)
    else:
        assert result.shape == (3, 1)


@of_every_network
def test_parameters_are_counted_as_built(name, network):
    for seed, config in enumerate(CONFIGS[network]):
        for genotype in (sample_genotype(network, seed * 10 + number, name) for number in range(5)):
            with torch.device("meta"):
                built = parameters(build(genotype, config))
            assert count_parameters(genotype, config) == built


@torch.no_grad()
def copy_chosen(supernet: nn.Module, derived: nn.Module) -> None:
    """Give the derived network what the supernet holds: whole modules, and of each stack its own edges.

    Of BatchNorm a supernet may hold no scales: they are then 1 and 0.
    """
    held = supernet.state_dict()
    for key, value in derived.state_dict().items():
        if key not in held and key.removesuffix("weight") + "running_mean" in held:
            value.fill_(1)
        elif key in held and held[key].shape == value.shape:
            value.copy_(held[key])
    for source, target in zip(supernet.cells, derived.cells, strict=True):
        if not isinstance(source, Cell):
            continue
        sources = {(filling.kind, filling.primitive): filling for filling in source.fillings}
        for filling in target.fillings:
            there = sources[filling.kind, filling.primitive]
            theirs, ours = source.operation(there), target.operation(filling)
            if ours is not None:
                assert isinstance(ours, StackedConvolution | StackedTransposed)
                places = [there.position(edge) for edge in filling.edges]
                ours.load_state_dict({key: value[places] for key, value in theirs.state_dict().items()})


@of_every_network
@pytest.mark.usefixtures("float64")
def test_the_supernet_at_one_hot_weights_is_the_derived_network_with_its_weights(name, network):
    config, space = CONFIGS[network][0], SPACES[name]
    architecture, inputs = Architecture(network, space=name), inputs_of(network)
    supernet = space.build(network, config, None)
    paths = [one_hot(sample_genotype(network, seed, name), architecture) for seed in SEEDS]
    weights = [relax(architecture, "softmax")] if space.has_mixtures else paths
    with torch.no_grad():
        for given in weights * 5:  # until power iterations begin to converge, spectral norms blow rounding up
            supernet(inputs, given)
    supernet.eval()
    for seed in SEEDS:
        genotype = sample_genotype(network, seed, name)
        derived = build(genotype, config).eval()
        copy_chosen(supernet, derived)
        expected, found = derived(inputs), supernet(inputs, one_hot(genotype, architecture))
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@of_every_network
def test_a_genotype_of_another_space_is_refused_with_both_names(name, network, monkeypatch):
    other = replace(SPACES[name], name="elsewhere")
    monkeypatch.setitem(SPACES, "elsewhere", other)
    genotype = sample_genotype(network, 0, "elsewhere")
    with pytest.raises(GenotypeError) as error:
        SPACES[name].build(network, CONFIGS[network][0], genotype)
    assert str(error.value) == f"a genotype of the space elsewhere was given where one of {name} is needed"


def test_an_unknown_space_is_answered_with_the_known_ones():
    known = sample_genotype("generator", 0)
    with pytest.raises(GenotypeError) as error:
        Genotype(space="nowhere", network="generator", cells=known.cells)
    assert str(error.value) == f"unknown space 'nowhere'; known: {', '.join(SPACES)}"


def paired(edges, names) -> str | None:
    """A rule that connectivity does not cover: both down edges, or neither."""
    downs = [name == "avg_pool" for edge, name in zip(edges, names, strict=True) if edge.kind == "down"]
    return (
        "e5 and e6 must both pool; choose avg_pool for both or for neither" if len(set(downs)) > 1 else None
    )


@pytest.fixture
def with_a_rule(monkeypatch) -> SearchSpace:
    space = replace(SPACES["adversarialnas"], name="paired", other_fault=paired)
    monkeypatch.setitem(SPACES, "paired", space)
    return space


def test_a_rule_of_its_own_holds_for_given_sampled_and_repaired_genotypes(with_a_rule):
    edges = with_a_rule.cells["discriminator"][1]
    cell = ("conv_1x1",) * 5 + ("avg_pool", "conv_3x3")
    cells = sample_genotype("discriminator", 0, "paired").cells
    with pytest.raises(GenotypeError, match=r"discriminator cells\.1: e5 and e6 must both pool; choose"):
        Genotype(space="paired", network="discriminator", cells=(cells[0], cell, *cells[2:]))
    for seed in range(30):
        sampled = sample_genotype("discriminator", seed, "paired")
        assert all(paired(with_a_rule.cells["discriminator"][0], names) is None for names in sampled.cells)
    scores = [dict.fromkeys(with_a_rule.names(edge.kind), -9.0) for edge in edges]
    scores[5] |= {"avg_pool": -1.0, "max_pool": -3.0}
    scores[6] |= {"conv_3x3": -1.0, "avg_pool": -2.0}
    # Two cells are one change away: both pool (-1 - 2), or e5 goes over to max_pool (-3 - 1).
    assert with_a_rule.repair(edges, cell, scores)[5:] == ("avg_pool", "avg_pool")
