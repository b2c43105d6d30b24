"""Cells computed by hand: convolutions are the identity, so that nodes are multiples of the input."""

import pytest
import torch
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.backends.registry import BACKENDS
from search_space.networks.cell import Cell
from search_space.spaces.adversarialnas import ADVERSARIALNAS, CELLS, SKIP_INS

pytestmark = [pytest.mark.usefixtures("float64"), pytest.mark.parametrize("backend", BACKENDS)]

IMAGE_CELL, DISCRIMINATOR_CELL, *_ = CELLS["discriminator"]
GENERATOR_CELL = CELLS["generator"][0]
CHANNELS = 2


def cell(backend, edges, choices, **options) -> Cell:
    """A cell whose convolutions pass on what they read; a supernet's where there are no choices."""
    made = Cell(ADVERSARIALNAS, edges, choices and [(name,) for name in choices], CHANNELS, **options)
    for name, parameter in made.named_parameters():
        parameter.data.zero_()
        if "bias" not in name:
            middle = parameter.shape[-1] // 2
            identity = torch.ones(1, 1) if parameter.shape[-3] == 1 else torch.eye(*parameter.shape[-4:-2])
            parameter.data[..., middle, middle] = identity
    made.use_backend(backend)
    return made


def random_map(size: int = 4) -> torch.Tensor:
    return torch.randn(2, CHANNELS, size, size, generator=torch.Generator().manual_seed(0))


def test_nodes_of_a_discriminator_cell_are_sums_of_their_incoming_edges(backend):
    skips = cell(backend, DISCRIMINATOR_CELL, ["skip_connect"] * 5 + ["avg_pool"] * 2)
    x = random_map()
    output, node3 = skips(x)
    torch.testing.assert_close(node3, 2 * x)  # from node 0 and, through node 1, again
    torch.testing.assert_close(output, 4 * F.avg_pool2d(x, 2))


def test_edges_that_are_none_carry_nothing(backend):
    names = ["skip_connect", "none", "none", "skip_connect", "skip_connect", "max_pool", "avg_pool"]
    x = random_map()
    output, node3 = cell(backend, DISCRIMINATOR_CELL, names)(x)
    torch.testing.assert_close(node3, x)
    torch.testing.assert_close(output, F.max_pool2d(x, 2) + F.avg_pool2d(x, 2))


def test_skip_connections_are_not_rectified_and_convolutions_are(backend):
    names = ["skip_connect", "none", "conv_3x3", "skip_connect", "none", "avg_pool", "dil_conv_3x3"]
    x = random_map()
    output, node3 = cell(backend, DISCRIMINATOR_CELL, names)(x)
    torch.testing.assert_close(node3, x.relu())
    # The kernel's middle, at stride 2: every other pixel.
    torch.testing.assert_close(output, F.avg_pool2d(x, 2) + x.relu()[..., ::2, ::2])


def test_edges_that_read_the_image_do_not_rectify_it(backend):
    names = ["conv_1x1", "conv_3x3", "dil_conv_5x5", "none", "none", "avg_pool", "avg_pool"]
    x = random_map()
    output, node3 = cell(backend, IMAGE_CELL, names, image_channels=CHANNELS)(x)
    torch.testing.assert_close(node3, x)
    torch.testing.assert_close(output, 2 * F.avg_pool2d(x, 2))


def test_nodes_of_a_generator_cell_are_sums_of_their_incoming_edges(backend):
    x = random_map().abs()
    output, node3 = cell(backend, GENERATOR_CELL, ["nearest"] * 2 + ["skip_connect"] * 5)(x)
    larger = F.interpolate(x, scale_factor=2, mode="nearest")
    torch.testing.assert_close(node3, 2 * larger)
    torch.testing.assert_close(output, 4 * larger)


def test_bilinear_edges_do_not_align_corners_and_rectify_what_they_interpolated(backend):
    names = ["bilinear", "nearest", "skip_connect", "none", "none", "none", "skip_connect"]
    x = random_map()
    output, _ = cell(backend, GENERATOR_CELL, names)(x)
    expected = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False).relu()
    torch.testing.assert_close(output, expected)


def test_transposed_edges_put_each_pixel_at_even_places(backend):
    """Stride 2, padding 1, output padding 1, a kernel whose middle alone is 1."""
    names = ["ConvTranspose", "nearest", "skip_connect", "none", "none", "none", "skip_connect"]
    x = random_map()
    output, _ = cell(backend, GENERATOR_CELL, names)(x)
    expected = torch.zeros(2, CHANNELS, 8, 8)
    expected[..., ::2, ::2] = x.relu()
    torch.testing.assert_close(output, expected)


def test_skips_are_resized_added_to_node_3_and_exported_with_it(backend):
    """Without ReLU; cell 3 takes both earlier skips to the nearest pixel."""
    names = ["nearest"] * 2 + ["skip_connect", "none", "none", "none", "skip_connect"]
    first, second = -random_map(2), -random_map(4)
    output, node3 = cell(backend, GENERATOR_CELL, names, skip_ins=SKIP_INS[2])(
        torch.zeros(2, CHANNELS, 4, 4), None, (first, second)
    )
    expected = F.interpolate(first, size=8, mode="nearest") + F.interpolate(second, size=8, mode="nearest")
    torch.testing.assert_close(node3, expected)
    torch.testing.assert_close(output, expected)


def test_the_second_cell_takes_its_skip_bilinearly(backend):
    names = ["nearest"] * 2 + ["skip_connect", "none", "none", "none", "skip_connect"]
    skip = random_map(4)
    _, node3 = cell(backend, GENERATOR_CELL, names, skip_ins=SKIP_INS[1])(
        torch.zeros(2, CHANNELS, 4, 4), None, (skip,)
    )
    expected = F.interpolate(skip, size=8, mode="bilinear", align_corners=False)
    torch.testing.assert_close(node3, expected)


def test_edge_weights_scale_what_primitives_send(backend):
    """Node 1 and 2 get 0.5 x; node 3 the skips of both; the output only what comes from node 3."""
    x = random_map().abs()
    normal, resample = torch.zeros(5, 7), torch.zeros(2, 3)
    resample[:, 0] = 0.5
    normal[0, 1], normal[1, 1], normal[4, 1] = 0.25, 0.75, 2.0
    output, node3 = cell(backend, GENERATOR_CELL, None)(x, EdgeWeights(normal=normal, resample=resample))
    larger = F.interpolate(x, scale_factor=2, mode="nearest")
    torch.testing.assert_close(node3, (0.25 + 0.75) * 0.5 * larger)
    torch.testing.assert_close(output, 2 * 0.5 * larger)
