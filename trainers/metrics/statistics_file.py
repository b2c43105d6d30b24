"""Reference statistics as files: the usual .npz of mu and sigma, with their origin beside them where it is
known."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from trainers.files import written_whole
from trainers.metrics.errors import StatisticsError
from trainers.metrics.moments import Statistics


class Origin(NamedTuple):
    """The images and the extractor that statistics were made of."""

    extractor: str
    weights: str
    """sha256 of the extractor's weights."""
    resize: str
    images: str
    """Fingerprint of the images."""


def content_hash(statistics: Statistics) -> str:
    """Names statistics of unknown images: 16 hexadecimal digits of the numbers' sha256."""
    return hashlib.sha256(b"".join(part.numpy().tobytes() for part in statistics)).hexdigest()[:16]


def save_statistics(path: Path, statistics: Statistics, origin: Origin) -> None:
    """Write the file other tools read too: `mu` [d] and `sigma` [d, d] in float64."""
    with written_whole(path) as file:
        np.savez(file, mu=statistics.mu.numpy(), sigma=statistics.sigma.numpy(), **origin._asdict())


def load_statistics(path: Path) -> tuple[Statistics, Origin | None]:
    """Read a file of ours or of another tool, whose origin is unknown then.

    Raises:
        StatisticsError: there is no such file, or it is not an .npz of mu [d] and sigma [d, d].
    """
    if not path.is_file():
        raise StatisticsError(f"there is no file {path}; `advnas evaluate stats` makes statistics")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            mu, sigma = (_real(arrays[name]) for name in ("mu", "sigma"))
            known = set(Origin._fields) <= set(arrays)
            origin = Origin(*(str(arrays[field]) for field in Origin._fields)) if known else None
    except Exception as error:  # NumPy and zipfile raise nearly anything on a damaged or hostile file
        raise StatisticsError(
            f"{path} is not an .npz file of mu and sigma; `advnas evaluate stats` makes one"
        ) from error
    if mu.ndim != 1 or sigma.shape != (len(mu), len(mu)):
        raise StatisticsError(
            f"{path}: mu has shape {[*mu.shape]} and sigma {[*sigma.shape]}, not [d] and [d, d]"
        )
    if not (mu.isfinite().all() and sigma.isfinite().all()):
        raise StatisticsError(
            f"{path} holds values that are NaN or infinite; make it anew with `advnas evaluate stats`"
        )
    return Statistics(mu, sigma), origin


def _real(array: "np.ndarray") -> torch.Tensor:
    if array.dtype.kind not in "fiu":
        raise ValueError(f"has values of type {array.dtype}")
    return torch.from_numpy(np.asarray(array, np.float64))
