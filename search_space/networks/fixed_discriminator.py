"""The fixed discriminator that retrains derived generators: AutoGAN's, SNGAN in style.

Source: AutoGAN (Gong et al. 2019) and the released AdversarialNAS code.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.networks.config import DiscriminatorConfig
from search_space.networks.discriminator import SpectralScore
from search_space.stacked import StackedConvolution


class FixedDiscriminator(nn.Module):
    """Four residual blocks, the first two of which halve the image; one score per image."""

    def __init__(self, config: DiscriminatorConfig, outputs: int = 1) -> None:
        super().__init__()
        channels = config.channels
        self.blocks = nn.Sequential(
            FirstBlock(config.image_channels, channels),
            Block(channels, downsample=True),
            Block(channels, downsample=False),
            Block(channels, downsample=False),
        )
        self.score = SpectralScore(channels, outputs)

    def forward(self, images: Float[Tensor, "n c s s"]) -> Float[Tensor, "n outputs"]:
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
        return self.conv2.pooled(F.relu(self.conv1(x))) + self.shortcut(F.avg_pool2d(x, 2))


class Block(nn.Module):
    """Pre-activation residual block; its shortcut is the identity unless it downsamples."""

    def __init__(self, channels: int, *, downsample: bool) -> None:
        super().__init__()
        self.conv1 = SpectralConvolution(channels, channels, kernel=3)
        self.conv2 = SpectralConvolution(channels, channels, kernel=3)
        self.shortcut = SpectralConvolution(channels, channels, kernel=1) if downsample else None

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h2 w2"]:
        """Halves height and width when it downsamples."""
        h = F.relu(self.conv1(F.relu(x)))
        if self.shortcut is None:
            return self.conv2(h) + x
        # A 1x1 convolution commutes with the pool and is four times cheaper behind it.
        return self.conv2.pooled(h) + self.shortcut(F.avg_pool2d(x, 2))


class SpectralConvolution(StackedConvolution):
    """A single spectrally normalised convolution: a stack of one."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int = 1) -> None:
        super().__init__(1, in_channels, out_channels, kernel, spectral=True)
        self.dilation = dilation

    def forward(self, x: Float[Tensor, "n c h w"], stride: int = 1) -> Float[Tensor, "n c2 h2 w2"]:
        """Convolve with "same" padding."""
        kernel, bias = self._kernel_and_bias()
        padding = self.dilation * (kernel.shape[-1] // 2)
        return F.conv2d(x, kernel, bias, stride, padding, self.dilation)

    def pooled(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c2 h2 w2"]:
        """Convolve and average squares of 2x2 pixels, in one convolution of stride 2.

        A pixel of the pool is the mean of four shifts of the kernel over one input: 4/9 of the work for 3x3.
        """
        kernel, bias = self._kernel_and_bias()
        shifted = F.avg_pool2d(F.pad(kernel, (1, 1, 1, 1)), 2, stride=1)
        return F.conv2d(x, shifted, bias, stride=2, padding=kernel.shape[-1] // 2)

    def _kernel_and_bias(self) -> tuple[Float[Tensor, "c2 c k k"], Float[Tensor, " c2"]]:
        assert self.bias is not None
        return self.normalized()[0], self.bias[0]
