import pytest
from torch import nn, zeros

from search_space.spaces.adversarialnas import ADVERSARIALNAS

PUBLISHED_ORDER = {
    "normal": "none skip_connect conv_1x1 conv_3x3 conv_5x5 dil_conv_3x3 dil_conv_5x5",
    "image": "conv_1x1 conv_3x3 conv_5x5 dil_conv_3x3 dil_conv_5x5",
    "up": "nearest bilinear ConvTranspose",
    "down": "avg_pool max_pool conv_3x3 conv_5x5 dil_conv_3x3 dil_conv_5x5",
}


@pytest.mark.parametrize("kind", PUBLISHED_ORDER)
def test_names_stand_in_the_order_of_published_genotypes(kind):
    assert " ".join(ADVERSARIALNAS.names(kind)) == PUBLISHED_ORDER[kind]
    assert list(ADVERSARIALNAS.published[kind].items()) == [
        (name, index) for index, name in enumerate(PUBLISHED_ORDER[kind].split())
    ]


def test_paddings_are_the_released_ones():
    paddings = {primitive.name: primitive.padding for primitive in ADVERSARIALNAS.vocabularies["image"]}
    assert paddings == {"conv_1x1": 0, "conv_3x3": 1, "conv_5x5": 2, "dil_conv_3x3": 2, "dil_conv_5x5": 4}


@pytest.mark.parametrize(
    "primitive", ADVERSARIALNAS.vocabularies["image"], ids=lambda primitive: primitive.name
)
def test_padding_keeps_the_size(primitive):
    layer = nn.Conv2d(
        1, 1, primitive.kernel, padding=primitive.padding, dilation=primitive.dilation, bias=False
    )
    assert layer(zeros(1, 1, 7, 7)).shape == (1, 1, 7, 7)
