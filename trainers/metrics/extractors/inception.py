"""The network behind published FID, IS and KID: TensorFlow's Inception of 2015-12-05, its own resize
included.

n images, c channels, d features, k classes.
"""

import hashlib
import os
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from shutil import copyfileobj
from urllib.request import urlopen

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from search_space.errors import one_line
from trainers.files import written_whole
from trainers.metrics.config import PUBLISHED_INCEPTION, EvaluationConfig
from trainers.metrics.errors import WeightsError
from trainers.metrics.extractors.extractor import Extractor

FILE_NAME = f"weights-inception-2015-12-05-{PUBLISHED_INCEPTION}.pth"
VARIABLE = "ADVNAS_INCEPTION_WEIGHTS"
TIMEOUT = 20
"""Seconds without an answer after which the weights count as unreachable."""


class Inception(nn.Module):
    """torch-fidelity's graph, made faster without changing what it computes."""

    def __init__(self, file: Path) -> None:
        from torch_fidelity.feature_extractor_inceptionv3 import BasicConv2d, FeatureExtractorInceptionV3

        super().__init__()
        layers = ["2048", "logits_unbiased"]
        self.graph = FeatureExtractorInceptionV3("inception-v3-compat", layers, str(file))
        for block in self.graph.modules():
            if isinstance(block, BasicConv2d):
                block.conv, block.bn = fuse_conv_bn_eval(block.conv, block.bn), nn.Identity()

    def forward(self, pixels: UInt8[Tensor, "n c h w"]) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n k"]]:
        """The 2048 pooled features and the 1008 logits without the last layer's bias."""
        return self.graph(pixels.expand(-1, 3, -1, -1))


def inception(config: EvaluationConfig, _cache: Path) -> Extractor:
    """Inception with the configured weights.

    Raises:
        WeightsError: they are unreachable, not what `weights_sha256` says, or not Inception's.
    """
    file = _weights_file(config)
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    if not checksum.startswith(config.weights_sha256):
        raise WeightsError(
            f"retrain.evaluation.weights: {file} has sha256 {checksum[:16]}..., expected"
            f" {config.weights_sha256}...; remove a broken download, or name the"
            " weights you mean in retrain.evaluation.weights_sha256"
        )
    return Extractor(
        name=config.extractor_name,
        weights=checksum,
        resize="tensorflow1-bilinear-299",
        dimension=2048,
        classes=1008,
        network=_loaded(file),
    )


def _loaded(file: Path) -> Inception:
    try:
        torch.load(file, weights_only=True)  # torch-fidelity unpickles without this check
        return Inception(file)
    except (RuntimeError, UnpicklingError) as error:
        raise WeightsError(
            f"retrain.evaluation.weights: {file} holds no Inception: {one_line(error)}"
        ) from error


def _weights_file(config: EvaluationConfig) -> Path:
    configured = config.weights or os.environ.get(VARIABLE)
    if configured is None:
        return _downloaded()
    file = Path(configured).expanduser()
    if not file.is_file():
        raise WeightsError(f"retrain.evaluation.weights: there is no file {file}; {_cure()}")
    return file


def at_hand() -> bool:
    """Whether the weights are there without being named or fetched."""
    return VARIABLE in os.environ or _kept().is_file()


def _kept() -> Path:
    """torch-fidelity's own place for them."""
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE_NAME


def _downloaded() -> Path:
    """torch-fidelity's copy, fetched from where it fetches it if it has not been yet."""
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    file = _kept()
    if file.is_file():
        return file
    try:
        with urlopen(URL_INCEPTION_V3, timeout=TIMEOUT) as answer, written_whole(file) as target:
            copyfileobj(answer, target)
    except (OSError, HTTPException) as error:
        raise WeightsError(
            f"cannot fetch Inception's weights from {URL_INCEPTION_V3} ({one_line(error)}); {_cure()}"
        ) from error
    return file


def _cure() -> str:
    return (
        f"name a copy of {FILE_NAME} (sha256 {PUBLISHED_INCEPTION}...) in retrain.evaluation.weights or"
        f" {VARIABLE}, or put it into {torch.hub.get_dir()}/checkpoints;"
        " or score without download: extractor efficientnet_lite0, metrics [fd, kd, precision_recall]"
    )
