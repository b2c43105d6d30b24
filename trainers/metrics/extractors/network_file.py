"""An extractor from the user's own file, TorchScript (.pt) or torch.export (.pt2).

It takes uint8 images [n, 3, h, w] from 0 to 255 and returns features [n, d], or features and logits [n, k].

n images, c channels, d features, k classes.
"""

import hashlib
import warnings
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from search_space.errors import one_line
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import WeightsError
from trainers.metrics.extractors.extractor import Extractor

TAKES = "uint8 images [n, 3, h, w]"
RETURNS = "features [n, d], or features and logits [n, k], as floating-point numbers"
TRIED_SIZE = 32
"""Height and width of the images that a network is tried with if it takes any size."""


class NetworkFile(nn.Module):
    """A network from a file; `size` is the only height and width that it takes, None if it takes any."""

    def __init__(self, network: nn.Module, size: tuple[int, int] | None) -> None:
        super().__init__()
        self.network, self.size = network, size
        self.register_buffer("place", torch.empty(0))  # says on which device a network without weights is

    def forward(
        self, pixels: UInt8[Tensor, "n c h w"]
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n k"] | None]:
        """Features and logits of colour images; grey ones are repeated."""
        features, logits = _two(self.network(self._fitted(pixels.expand(-1, 3, -1, -1))))
        return features.float(), None if logits is None else logits.float()

    def _fitted(self, pixels: UInt8[Tensor, "n 3 h w"]) -> UInt8[Tensor, "n 3 g v"]:
        if self.size is None or pixels.shape[2:] == self.size:
            return pixels.contiguous()
        resized = F.interpolate(pixels.float(), size=self.size, mode="bicubic", antialias=True)
        return resized.round().clamp(0, 255).to(torch.uint8)


def _two(output: Any) -> tuple[Any, Any]:
    """Features, and logits or None."""
    if isinstance(output, tuple | list) and len(output) in (1, 2):
        return output[0], output[1] if len(output) == 2 else None
    return output, None


def network_file(config: EvaluationConfig, _cache: Path) -> Extractor:
    """The extractor in the configured file, tried with two images.

    Raises:
        WeightsError: no such file, or a network that takes or returns anything else.
    """
    file = Path(config.extractor)
    if not file.is_file():
        raise WeightsError(f"{file}: there is no such file; evaluation.extractor takes a .pt or .pt2 file")
    network = NetworkFile(*(_program(file) if file.suffix == ".pt2" else _script(file))).requires_grad_(False)
    dimension, classes = _tried(file, network)
    size = network.size
    return Extractor(
        name=config.extractor_name,
        weights=hashlib.sha256(file.read_bytes()).hexdigest(),
        resize="its own" if size is None else f"bicubic-antialias-{size[0]}x{size[1]}",
        dimension=dimension,
        classes=classes,
        network=network,
    )


def _script(file: Path) -> tuple[nn.Module, None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # TorchScript's own end, which is not the user's
            network = torch.jit.load(file, map_location="cpu").eval()
    except (RuntimeError, OSError, ValueError) as error:
        reason = one_line(error).split(". ")[0]
        raise WeightsError(
            f"{file}: holds no TorchScript ({reason}); write it with torch.jit.save, or as .pt2 with"
            " torch.export.save"
        ) from error
    required = [each for each in network.forward.schema.arguments[1:] if not each.has_default_value()]
    _require_one_input(file, [each.name for each in required])
    return network, None


def _program(file: Path) -> tuple[nn.Module, tuple[int, int] | None]:
    try:
        program = torch.export.load(file)
    except Exception as error:  # zip, JSON and pickle raise their own kinds on damaged bytes
        raise WeightsError(
            f"{file}: holds no exported program ({one_line(error)}); write it with torch.export.save"
        ) from error
    names = program.graph_signature.user_inputs
    _require_one_input(file, names)
    values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
    return program.module(), _fixed_size(file, values[names[0]])


def _require_one_input(file: Path, names: Any) -> None:
    if len(names) != 1:
        raise WeightsError(
            f"{file}: takes {len(names)} inputs ({', '.join(map(str, names)) or 'none'}); an extractor takes"
            f" one, {TAKES}"
        )


def _fixed_size(file: Path, value: Any) -> tuple[int, int] | None:
    """The only size an exported program takes."""
    if not isinstance(value, Tensor) or value.dtype != torch.uint8 or value.ndim != 4:
        found = f"{str(value.dtype)[6:]} of {value.ndim} dimensions" if isinstance(value, Tensor) else value
        raise WeightsError(f"{file}: takes {found}; an extractor takes {TAKES}: convert them inside it")
    count, _, *size = value.shape
    if isinstance(count, int):
        raise WeightsError(
            f"{file}: takes {count} images at a time; export it with a dynamic first dimension"
            " (dynamic_shapes)"
        )
    return (size[0], size[1]) if all(isinstance(each, int) for each in size) else None


@torch.no_grad()
def _tried(file: Path, network: NetworkFile) -> tuple[int, int]:
    """Width of the features and number of classes.

    Raises:
        WeightsError: the network fails on two images, or returns something else.
    """
    height, width = network.size or (TRIED_SIZE, TRIED_SIZE)
    pixels = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8)
    try:
        output = network.network(pixels)
    except Exception as error:  # whatever the network's operators raise
        raise WeightsError(
            f"{file}: fails on {TAKES}, tried with {[*pixels.shape]} ({_last_line(error)})"
        ) from error
    features, logits = _two(output)
    _require_rows(file, features)
    if logits is not None:
        _require_rows(file, logits)
    return features.shape[1], 0 if logits is None else logits.shape[1]


def _require_rows(file: Path, value: Any) -> None:
    if not isinstance(value, Tensor):
        raise WeightsError(f"{file}: returns {type(value).__name__} where an extractor returns {RETURNS}")
    if value.ndim != 2 or len(value) != 2 or not value.is_floating_point():
        found = f"{str(value.dtype)[6:]} {[*value.shape]}"
        raise WeightsError(f"{file}: returns {found} for 2 images; an extractor returns {RETURNS}")


def _last_line(error: Exception) -> str:
    """TorchScript puts its own traceback before the reason."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[-1].split()) if lines else type(error).__name__
