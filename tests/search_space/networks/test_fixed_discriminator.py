import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from search_space.networks.config import DiscriminatorConfig
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.zoo.interop import load_released

pytestmark = pytest.mark.usefixtures("float64")


class Twin(nn.Module):
    """AutoGAN's discriminator in plain torch.nn, under the released names."""

    def __init__(self, image_channels: int, channels: int) -> None:
        super().__init__()
        for number in range(1, 5):
            inputs = image_channels if number == 1 else channels
            block = nn.Module()
            block.c1 = spectral_norm(nn.Conv2d(inputs, channels, 3, padding=1))
            block.c2 = spectral_norm(nn.Conv2d(channels, channels, 3, padding=1))
            if number <= 2:
                block.c_sc = spectral_norm(nn.Conv2d(inputs, channels, 1))
            self.add_module(f"block{number}", block)
        self.l5 = spectral_norm(nn.Linear(channels, 1, bias=False))

    def forward(self, x):
        b1, b2 = self.block1, self.block2
        x = F.avg_pool2d(b1.c2(F.relu(b1.c1(x))), 2) + b1.c_sc(F.avg_pool2d(x, 2))
        x = F.avg_pool2d(b2.c2(F.relu(b2.c1(F.relu(x)))), 2) + F.avg_pool2d(b2.c_sc(x), 2)
        for block in (self.block3, self.block4):
            x = block.c2(F.relu(block.c1(F.relu(x)))) + x
        return self.l5(F.relu(x).sum((2, 3)))


def test_it_has_the_published_number_of_parameters():
    network = FixedDiscriminator(DiscriminatorConfig(channels=128))
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_053_824


@pytest.mark.parametrize(("size", "image_channels"), [(16, 1), (32, 3), (48, 3)])
def test_scores_and_gradients_are_those_of_its_twin(size, image_channels):
    torch.manual_seed(1)
    twin = Twin(image_channels, channels=3)
    network = FixedDiscriminator(DiscriminatorConfig(channels=3, image_channels=image_channels))
    load_released(network, twin.state_dict())
    gradients = []
    for module in (network, twin):
        images = torch.randn(2, image_channels, size, size, generator=torch.Generator().manual_seed(0))
        images.requires_grad_()
        for _ in range(2):  # the second forward starts from the power iteration of the first
            scores = module(images)
        assert scores.shape == (2, 1)
        gradients.append((scores.detach(), *torch.autograd.grad(scores.sum(), images)))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
