"""The fixed discriminator that retrains derived generators: AutoGAN's, SNGAN in style.

Source: AutoGAN (Gong et al. 2019) and the released AdversarialNAS code.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.networks import DiscriminatorConfig, SpectralScore
from search_space.stacked import StackedConvolution


class FixedDiscriminator(nn.Module):
    """Four residual blocks, the first two of which halve the image; one score per image."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        channels = config.channels
        self.blocks = nn.Sequential(
            FirstBlock(config.image_channels, channels),
            Block(channels, downsample=True),
            Block(channels, downsample=False),
            Block(channels, downsample=False),
        )
        self.score = SpectralScore(channels)

    def forward(self, images: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 1"]:
        """Scores of images in [-1, 1], high for real ones."""
        return self.score(self.blocks(images))


class FirstBlock(nn.Module):
    """Block on the image itself: no ReLU in front, pooling before the shortcut's convolution."""

    def __init__(self, image_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = SpectralConvolution(image_channels, channels, kernel=3)
        self.conv2 = SpectralConvolution(channels, channels, kernel=3)
        self.shortcut = SpectralConvolution(image_channels, channels, kernel=1)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c2 h2 w2"]:
        """Halves height and width."""
        return F.avg_pool2d(self.conv2(F.relu(self.conv1(x))), 2) + self.shortcut(F.avg_pool2d(x, 2))


class Block(nn.Module):
    """Pre-activation residual block; its shortcut is the identity unless it downsamples."""

    def __init__(self, channels: int, *, downsample: bool) -> None:
        super().__init__()
        self.conv1 = SpectralConvolution(channels, channels, kernel=3)
        self.conv2 = SpectralConvolution(channels, channels, kernel=3)
        self.shortcut = SpectralConvolution(channels, channels, kernel=1) if downsample else None

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h2 w2"]:
        """Halves height and width when it downsamples."""
        residual = self.conv2(F.relu(self.conv1(F.relu(x))))
        if self.shortcut is None:
            return residual + x
        return F.avg_pool2d(residual + self.shortcut(x), 2)


class SpectralConvolution(StackedConvolution):
    """A single spectrally normalised convolution: a stack of one."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__(1, in_channels, out_channels, kernel, spectral=True)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c2 h w"]:
        """Convolve with "same" padding."""
        kernel = self.normalized()[0]
        assert self.bias is not None
        return F.conv2d(x, kernel, self.bias[0], padding=kernel.shape[-1] // 2)
