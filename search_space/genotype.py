"""Genotype files as the released AdversarialNAS code writes them: one integer row of 7 a cell, in .npy."""

import hashlib
import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError, model_validator

from search_space.errors import UserError, one_line
from search_space.frozen import Frozen
from search_space.primitives import primitive_index, primitive_names
from search_space.topology import CELLS, CellEdges, Edge, Network, nodes_without_input

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
        raise GenotypeError(f"not a released genotype ({one_line(error)}); {cure}") from error
    return SHAPES[shape], rows.tolist()


def write_released(path: Path, rows: Rows) -> None:
    """Write rows as the released code does."""
    np.save(path, np.asarray(rows, dtype=np.uint8), allow_pickle=False)


__all__ = ["Genotype", "GenotypeError", "Provenance", "differing_edges"]


class Provenance(Frozen):
    """Where a genotype comes from; not part of its identity."""

    run: str | None = None
    step: int | None = None
    """Discriminator steps of the search when it was derived."""
    seed: int | None = None
    git_commit: str | None = None


class Genotype(Frozen):
    """One network of the search space.

    Raises:
        GenotypeError: wrong number of cells or edges, unknown primitive, or a node without input.
    """

    format_version: Literal[1] = 1
    space: Literal["adversarialnas"] = "adversarialnas"
    network: Network
    cells: tuple[tuple[str, ...], ...]
    """Primitive names, one an edge, in the edge order of `topology`."""
    provenance: Provenance | None = None

    @model_validator(mode="after")
    def _is_in_the_space(self) -> "Genotype":
        _check_lengths(self.network, self.cells)
        for index, (edges, names) in enumerate(zip(CELLS[self.network], self.cells, strict=True)):
            _check_cell(f"{self.network} cells.{index}", edges, names)
        return self

    @classmethod
    def from_rows(cls, network: Network, rows: Rows, provenance: Provenance | None = None) -> "Genotype":
        """Genotype of released rows: one index an edge, into that edge's own vocabulary."""
        _check_lengths(network, rows)
        cells = tuple(
            tuple(
                _name(f"{network} cells.{cell}", edge, index) for edge, index in zip(edges, row, strict=True)
            )
            for cell, (edges, row) in enumerate(zip(CELLS[network], rows, strict=True))
        )
        return cls(network=network, cells=cells, provenance=provenance)

    @property
    def rows(self) -> tuple[tuple[int, ...], ...]:
        """The released form: indices into each edge's own vocabulary."""
        return tuple(
            tuple(primitive_index(edge.kind, name) for edge, name in zip(edges, names, strict=True))
            for edges, names in zip(CELLS[self.network], self.cells, strict=True)
        )

    @property
    def content_hash(self) -> str:
        """12 hexadecimal digits that name the architecture, whoever found it and when."""
        content = json.dumps([self.space, self.network, self.cells], separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """Readable JSON; `from_json` reads it back."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Genotype":
        """Genotype of a JSON text.

        Raises:
            GenotypeError: not JSON, unknown or missing keys, or no network of the space.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "genotype"
            cure = "expected the JSON that Genotype.to_json writes"
            raise GenotypeError(
                f"{where}: {first['msg']}, found {_shortened(first['input'])}; {cure}"
            ) from error

    def save(self, path: Path) -> None:
        """Write .json, or .npy in the released form, which has no room for the provenance."""
        if _suffix(path) == ".npy":
            write_released(path, self.rows)
        else:
            path.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Genotype":
        """Read what `save` or the released code wrote.

        Raises:
            GenotypeError: the file is missing, another kind of file, or holds no network of the space.
        """
        try:
            if _suffix(path) == ".npy":
                return cls.from_rows(*read_released(path))
            return cls.from_json(read_bytes(path))
        except GenotypeError as error:
            raise GenotypeError(f"{path}: {error}") from error


def differing_edges(one: Genotype, other: Genotype) -> int:
    """Number of edges that use another primitive in the other genotype: the Hamming distance of the two."""
    pairs = zip(one.cells, other.cells, strict=True)
    return sum(here != there for cells in pairs for here, there in zip(*cells, strict=True))


def _suffix(path: Path) -> str:
    if path.suffix not in (".json", ".npy"):
        raise GenotypeError(f"unknown suffix {path.suffix!r}; a genotype file ends in .json or .npy")
    return path.suffix


def _check_lengths(network: Network, cells: Rows | tuple[tuple[str, ...], ...]) -> None:
    expected = CELLS[network]
    if len(cells) != len(expected):
        raise GenotypeError(f"{network} cells: {len(cells)} given; a {network} has {len(expected)}")
    for index, (edges, row) in enumerate(zip(expected, cells, strict=True)):
        if len(row) != len(edges):
            raise GenotypeError(f"{network} cells.{index}: {len(row)} edges given; a cell has {len(edges)}")


def _check_cell(where: str, edges: CellEdges, names: tuple[str, ...]) -> None:
    for edge, name in zip(edges, names, strict=True):
        known = primitive_names(edge.kind)
        if name not in known:
            raise GenotypeError(
                f"{where}.{edge.name}: unknown primitive {_shortened(name)}; known: {', '.join(known)}"
            )
    for node in nodes_without_input(edges, names):
        into = " or ".join(edge.name for edge in edges if edge.target == node)
        raise GenotypeError(
            f"{where}: node {node} has no input; choose an operation other than none for {into}"
        )


def _name(where: str, edge: Edge, index: int) -> str:
    known = primitive_names(edge.kind)
    if not 0 <= index < len(known):
        choices = ", ".join(f"{number} {name}" for number, name in enumerate(known))
        raise GenotypeError(f"{where}.{edge.name}: no primitive {index}; known: {choices}")
    return known[index]


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
