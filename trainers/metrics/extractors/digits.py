"""The offline extractor: a small classifier of scikit-learn's digits, trained on their own labels.

What it says of images is comparable among digits only, so its scores are `fd_digits` and
`is_digits_mean`, never FID or IS.

n images, c channels, d features, k classes.
"""

import hashlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from trainers.datasets.config import DigitsConfig
from trainers.datasets.digits import load_digits
from trainers.distributed import from_rank_zero
from trainers.files import written_whole
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.extractors.extractor import Extractor, weights_hash

SIZE = 16
FEATURES = 64
CLASSES = 10
RECIPE = 1
"""Raise it when anything below that changes the trained weights changes."""


class DigitsClassifier(nn.Module):
    """Two convolutions, 64 features, 10 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 32, 3, padding=1)
        self.features = nn.Linear(32 * (SIZE // 4) ** 2, FEATURES)
        self.classes = nn.Linear(FEATURES, CLASSES)

    def forward(self, pixels: UInt8[Tensor, "n c h w"]) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n k"]]:
        """Features and logits of grey or colour images of any size."""
        x = pixels.float().mean(dim=1, keepdim=True) / 255
        if x.shape[2:] != (SIZE, SIZE):
            x = F.interpolate(x, size=(SIZE, SIZE), mode="bilinear", antialias=True)
        x = F.max_pool2d(F.leaky_relu(self.first(x), 0.1), 2)
        x = F.max_pool2d(F.leaky_relu(self.second(x), 0.1), 2)
        features = F.leaky_relu(self.features(x.flatten(1)), 0.1)
        return features, self.classes(features)


def labelled_digits() -> tuple[UInt8[Tensor, "n 1 16 16"], Int64[Tensor, " n"]]:
    """The 1,797 digits at the classifier's size and their labels, in scikit-learn's order."""
    images = load_digits(DigitsConfig(image_size=SIZE))
    assert images.labels is not None
    return images.pixels, images.labels


def held_out(labels: Int64[Tensor, " n"]) -> Tensor:
    """Mask of every fifth digit: not trained on, so that the classifier's accuracy can be told."""
    return torch.arange(len(labels)) % 5 == 4


def train_classifier(epochs: int = 20, batch: int = 64, seed: int = 0) -> DigitsClassifier:
    """A classifier trained on four fifths of the digits: the same weights at every call on one machine."""
    pixels, labels = labelled_digits()
    pixels, labels = pixels[~held_out(labels)], labels[~held_out(labels)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums over threads are rounded in another order for every number of them
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = DigitsClassifier()
        optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        for _ in range(epochs):
            for rows in torch.randperm(len(labels)).split(batch):
                optimizer.zero_grad()
                F.cross_entropy(network(pixels[rows])[1], labels[rows]).backward()
                optimizer.step()
            schedule.step()
    torch.set_num_threads(threads)
    return network.eval().requires_grad_(False)


def cached_weights(cache: Path) -> Mapping[str, Tensor]:
    """The trained weights from `cache`, made first where they are absent or not what their name says."""
    for path in sorted(cache.glob(f"digits-classifier-{RECIPE}-*.pt")):
        content = path.read_bytes()
        if path.stem.endswith(hashlib.sha256(content).hexdigest()):
            return torch.load(BytesIO(content), weights_only=True)
    buffer = BytesIO()
    weights = train_classifier().state_dict()
    torch.save(weights, buffer)
    checksum = hashlib.sha256(buffer.getvalue()).hexdigest()
    with written_whole(cache / f"digits-classifier-{RECIPE}-{checksum}.pt") as file:
        file.write(buffer.getvalue())
    return weights


def digits(_config: EvaluationConfig, cache: Path) -> Extractor:
    """The classifier as an extractor; all workers take rank 0's weights."""
    network = DigitsClassifier()
    network.load_state_dict(from_rank_zero(lambda: cached_weights(cache)))
    return Extractor(
        name="digits",
        weights=weights_hash(network),
        resize=f"bilinear-antialias-{SIZE}",
        dimension=FEATURES,
        classes=CLASSES,
        network=network.eval().requires_grad_(False),
    )
