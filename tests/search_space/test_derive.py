"""Reference: 64 random alpha and beta with the genotypes that the released code (its 2021 head) derives from
them, softmax over primitives; more than half need repair."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import nn

from search_space.architecture import Architecture
from search_space.genotype import Provenance
from search_space.relaxation import derive
from search_space.spaces.adversarialnas import ADVERSARIALNAS, CELLS

REFERENCE = Path(__file__).parent / "data" / "derive.npz"
KEYS = {
    "generator": ("G_normal", "G_up", "genotype_G"),
    "discriminator": ("D_normal", "D_down", "genotype_D"),
}
RESAMPLING = {"generator": (3, 2, 3), "discriminator": (4, 2, 6)}


def derive_from(network, normal, resample, provenance=None):
    architecture = Architecture(network)
    architecture.normal, architecture.resample = nn.Parameter(normal), nn.Parameter(resample)
    return derive(architecture, provenance)


logits = st.floats(-1e4, 1e4) | st.sampled_from([0.0, 1.0])


def as_tuples(rows) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(index) for index in row) for row in rows)


@pytest.mark.parametrize("case", range(64))
@pytest.mark.parametrize("network", KEYS)
def test_derivation_equals_the_released_one(network, case):
    with np.load(REFERENCE, allow_pickle=False) as reference:
        normal, resample, genotype = (reference[key][case] for key in KEYS[network])
    derived = derive_from(network, torch.from_numpy(normal), torch.from_numpy(resample))
    assert derived.rows == as_tuples(genotype)


@pytest.mark.parametrize("network", KEYS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_architecture_parameters_give_a_connected_genotype(network, data):
    normal = data.draw(arrays.arrays(np.float64, (len(CELLS[network]), 5, 7), elements=logits))
    resample = data.draw(arrays.arrays(np.float64, RESAMPLING[network], elements=logits))
    genotype = derive_from(network, torch.from_numpy(normal), torch.from_numpy(resample))
    for edges, names in zip(CELLS[network], genotype.cells, strict=True):
        assert ADVERSARIALNAS.fault(edges, names) is None


def zeros(network: str) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.zeros(len(CELLS[network]), 5, 7), torch.zeros(RESAMPLING[network])


def test_repair_takes_the_edge_least_sure_of_none_and_its_best_other_primitive():
    normal, resample = zeros("generator")
    normal[:, :, 1] = 1.0  # skip_connect everywhere
    normal[0, 0, 0], normal[0, 1, 0] = 3.0, 2.0  # none on both inputs of node 3, surer on e2
    normal[0, 1, 4] = 1.5  # conv_5x5 is the runner-up of e3
    assert derive_from("generator", normal, resample).cells[0][2:4] == ("none", "conv_5x5")


def test_repairing_node_2_can_bring_node_1_into_use_and_repairs_it_too():
    normal, resample = zeros("discriminator")
    normal[1, :, 0] = torch.tensor([9.0, 8.0, 8.0, 7.0, 9.0])  # all none; e3 the least sure into node 2
    normal[1, 0, 5] = 1.0
    normal[1, 3, 2] = 1.0
    e0, e1, _, e3, _, *_ = derive_from("discriminator", normal, resample).cells[1]
    assert (e0, e1, e3) == ("dil_conv_3x3", "none", "conv_1x1")


def test_columns_without_a_primitive_never_win_in_the_first_discriminator_cell():
    normal, resample = zeros("discriminator")
    normal[0, :3, 5:] = 100.0
    normal[0, :3, 3] = 1.0
    assert derive_from("discriminator", normal, resample).cells[0][:3] == ("dil_conv_3x3",) * 3


def test_derivation_takes_parameters_that_require_gradients_and_keeps_the_provenance():
    normal, resample = (tensor.requires_grad_() for tensor in zeros("generator"))
    provenance = Provenance(run="r", step=5, seed=1)
    assert derive_from("generator", normal, resample, provenance).provenance == provenance
