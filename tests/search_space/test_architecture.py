import pytest
import torch

from search_space.architecture import Architecture, EdgeWeights, architecture_masks
from search_space.spaces.adversarialnas import ADVERSARIALNAS

SHAPES = {"generator": ((3, 5, 7), (3, 2, 3)), "discriminator": ((4, 5, 7), (4, 2, 6))}


@pytest.mark.parametrize("network", SHAPES)
def test_parameters_have_the_released_shapes(network):
    architecture = Architecture(network)
    assert tuple(logits.shape for logits in architecture.parameters()) == SHAPES[network]
    assert list(architecture.logits) == ["normal", "resample"]


@pytest.mark.parametrize("network", SHAPES)
def test_parameters_start_at_a_thousandth_of_normal(network):
    torch.manual_seed(0)
    logits = torch.cat([p.flatten() for p in Architecture(network).parameters()])
    assert 0.9e-3 < logits.std() < 1.1e-3
    assert logits.mean().abs() < 2e-4


def test_the_same_generator_gives_the_same_parameters():
    first, second = (Architecture("generator", torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first.normal, second.normal)
    assert torch.equal(first.resample, second.resample)


def test_only_the_image_edges_of_d_lack_columns():
    assert all(mask.all() for mask in architecture_masks("generator", ADVERSARIALNAS).values())
    masks = architecture_masks("discriminator", ADVERSARIALNAS)
    assert masks["resample"].all()
    expected = torch.ones(4, 5, 7, dtype=torch.bool)
    expected[0, :3, 5:] = False
    assert torch.equal(masks["normal"], expected)


def test_mask_is_no_part_of_a_checkpoint():
    assert set(Architecture("discriminator").state_dict()) == {"normal", "resample"}


def test_weights_of_a_cell_are_its_rows():
    weights = EdgeWeights(normal=torch.rand(3, 5, 7), resample=torch.rand(3, 2, 3))
    cell = weights.of_cell(1)
    assert torch.equal(cell["normal"], weights["normal"][1])
    assert torch.equal(cell["resample"], weights["resample"][1])
