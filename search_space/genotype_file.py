"""Genotype files as the released AdversarialNAS code writes them: one integer row of 7 a cell, in .npy."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from search_space.errors import UserError
from search_space.topology import CELLS, Network

MAX_BYTES = 65536
"""A genotype is below 2 KB; anything near this is another file."""

SHAPES: dict[tuple[int, int], Network] = {
    (len(cells), len(cells[0])): network for network, cells in CELLS.items()
}

Rows = Sequence[Sequence[int]]


class GenotypeError(UserError):
    """A genotype, or the file it should be read from, is wrong."""


def read_bytes(path: Path) -> bytes:
    """The file's content.

    Raises:
        GenotypeError: there is no such file, or it is too large for a genotype.
    """
    if not path.is_file():
        raise GenotypeError("no such file; give the path of a genotype, .json or .npy")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise GenotypeError(f"{size} bytes is no genotype (at most {MAX_BYTES}); give a genotype file")
    return path.read_bytes()


def read_released(path: Path) -> tuple[Network, Rows]:
    """Network and rows of a released file; 3 cells are a generator, 4 a discriminator.

    Raises:
        GenotypeError: not an integer .npy of a known shape. Pickled objects are never loaded.
    """
    content = BytesIO(read_bytes(path))
    cure = f"expected integers of shape {' (generator) or '.join(map(str, SHAPES))} (discriminator)"
    try:
        version = np.lib.format.read_magic(content)
        if version != (1, 0):
            raise ValueError(f".npy version {version}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(content)
        # Checked before the data is read: a header may claim any size.
        if shape not in SHAPES or dtype.kind not in "iu":
            raise ValueError(f"array of shape {shape} and type {dtype}")
        content.seek(0)
        rows = np.lib.format.read_array(content, allow_pickle=False)
    except Exception as error:  # numpy's header parser lets a hostile file raise nearly anything
        raise GenotypeError(f"not a released genotype ({_one_line(error)}); {cure}") from error
    return SHAPES[shape], rows.tolist()


def write_released(path: Path, rows: Rows) -> None:
    """Write rows as the released code does."""
    np.save(path, np.asarray(rows, dtype=np.uint8), allow_pickle=False)


def _one_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
