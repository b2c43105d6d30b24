"""Genotypes: the choices of one network by name, in .json, or as rows of indices in a released .npy file."""

import hashlib
import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from search_space.errors import GenotypeError, one_line
from search_space.frozen import Frozen
from search_space.space import DEFAULT_SPACE, Rows, SearchSpace, shortened
from search_space.spaces.registry import find_space
from search_space.topology import Network

if TYPE_CHECKING:
    from torch import nn

    from search_space.networks.config import NetworkConfig

__all__ = ["Genotype", "GenotypeError", "Provenance", "build", "differing_edges", "space_for"]

MAX_BYTES = 65536
"""A genotype is below 2 KB; anything near this is another file."""


PlainName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,300}$")]
"""The name of a run or commit; it is shown, and databases are asked for it."""


class Provenance(Frozen):
    """The origin of a genotype; not part of its identity."""

    run: PlainName | None = None
    step: int | None = None
    """Discriminator steps of the search when it was derived."""
    seed: int | None = None
    git_commit: PlainName | None = None


class Genotype(Frozen):
    """One network of a search space.

    Raises:
        GenotypeError: unknown space, wrong number of cells or edges, unknown primitive, or a fault of a cell,
            such as a node without input.
    """

    format_version: Literal[1] = 1
    space: str = DEFAULT_SPACE
    """Name of a registered space."""
    network: Network
    cells: tuple[tuple[str, ...], ...]
    """Primitive names, one an edge, in the edge order of the space."""
    provenance: Provenance | None = None

    @field_validator("space")
    @classmethod
    def _is_registered(cls, name: str) -> str:
        return find_space(name).name

    @model_validator(mode="after")
    def _is_in_the_space(self) -> "Genotype":
        find_space(self.space).check(self.network, self.cells)
        return self

    @classmethod
    def from_rows(
        cls,
        network: Network,
        rows: Rows,
        provenance: Provenance | None = None,
        space: str = DEFAULT_SPACE,
    ) -> "Genotype":
        """Genotype of published rows: one index an edge, in the published order of that edge's vocabulary."""
        cells = find_space(space).from_rows(network, rows)
        return cls(space=space, network=network, cells=cells, provenance=provenance)

    @property
    def rows(self) -> tuple[tuple[int, ...], ...]:
        """The published form: indices in the published order of each edge's vocabulary.

        Raises:
            GenotypeError: a primitive has no published index.
        """
        return find_space(self.space).to_rows(self.network, self.cells)

    @property
    def listed(self) -> tuple[tuple[int, ...], ...] | tuple[tuple[str, ...], ...]:
        """The form for tables and results: the published one or, if that does not exist, names."""
        try:
            return self.rows
        except GenotypeError:
            return self.cells

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
                f"{where}: {first['msg']}, found {shortened(first['input'])}; {cure}"
            ) from error

    def save(self, path: Path) -> None:
        """Write .json, or .npy in the released form, which has no room for the provenance."""
        if _suffix(path) == ".npy":
            _write_released(path, self.rows)
        else:
            path.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path, space: str = DEFAULT_SPACE) -> "Genotype":
        """Read what `save` or the released code wrote; a .npy does not name its space, which is `space`.

        Raises:
            GenotypeError: the file is missing, another kind of file, or holds no network of the space.
        """
        try:
            if _suffix(path) == ".npy":
                network, rows = _read_released(path, find_space(space))
                return cls.from_rows(network, rows, space=space)
            return cls.from_json(_read_bytes(path))
        except GenotypeError as error:
            other = "`advnas genotype convert --space` reads those of others"
            read_as = f" (read as one of {space}: a .npy names no space; {other})"
            read_as = read_as if path.suffix == ".npy" else ""
            raise GenotypeError(f"{path}: {error}{read_as}") from error


def differing_edges(one: Genotype, other: Genotype) -> int:
    """Number of edges that use another primitive in the other genotype: the Hamming distance of the two."""
    pairs = zip(one.cells, other.cells, strict=True)
    return sum(here != there for cells in pairs for here, there in zip(*cells, strict=True))


def space_for(network: Network, genotype: Genotype | None, space: str = DEFAULT_SPACE) -> SearchSpace:
    """The space of a network that is to be built, once the genotype is known to be of it.

    Raises:
        GenotypeError: the genotype is of another space or network.
    """
    if genotype is not None and genotype.space != space:
        raise GenotypeError(
            f"a genotype of the space {genotype.space} was given where one of {space} is needed"
        )
    if genotype is not None and genotype.network != network:
        raise GenotypeError(f"a {network} cannot be built from a {genotype.network}'s genotype")
    return find_space(space)


def build(genotype: Genotype, config: "NetworkConfig", outputs: int = 1) -> "nn.Module":
    """The derived network of a genotype, as its own space builds it.

    `outputs` is how many numbers a discriminator gives an image; a generator ignores it.
    """
    return find_space(genotype.space).build(genotype.network, config, genotype, outputs)


def _suffix(path: Path) -> str:
    if path.suffix not in (".json", ".npy"):
        raise GenotypeError(f"unknown suffix {path.suffix!r}; a genotype file ends in .json or .npy")
    return path.suffix


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise GenotypeError("no such file; give the path of a genotype, .json or .npy")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise GenotypeError(f"{size} bytes is no genotype (at most {MAX_BYTES}); give a genotype file")
    return path.read_bytes()


def _read_released(path: Path, space: SearchSpace) -> tuple[Network, Rows]:
    """Network and rows of a released file: its shape tells the network. Pickled objects are never loaded."""
    content = BytesIO(_read_bytes(path))
    shapes = {
        (len(cells), len(cells[0])): network
        for network, cells in space.cells.items()
        if len({len(edges) for edges in cells}) == 1
    }
    if not shapes:
        raise GenotypeError(
            f"cells of {space.name} differ in length, so no .npy holds them; give a .json file, or the "
            "released form to `advnas genotype convert`"
        )
    named = " or ".join(f"{shape} ({network})" for shape, network in shapes.items())
    try:
        version = np.lib.format.read_magic(content)
        if version != (1, 0):
            raise ValueError(f".npy version {version}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(content)
        # Checked before the data is read: a header may claim any size.
        if shape not in shapes or dtype.kind not in "iu":
            raise ValueError(f"array of shape {shape} and type {dtype}")
        content.seek(0)
        rows = np.lib.format.read_array(content, allow_pickle=False)
    except Exception as error:  # numpy's header parser lets a hostile file raise nearly anything
        raise GenotypeError(
            f"not a released genotype ({one_line(error)}); expected integers of shape {named}"
        ) from error
    return shapes[shape], rows.tolist()


def _write_released(path: Path, rows: Rows) -> None:
    if len(set(map(len, rows))) > 1:
        raise GenotypeError(f"{path}: cells of different lengths fit no .npy; save a .json file")
    """Write rows as the released code does: unsigned, unless a published index is negative."""
    signed = any(index < 0 for row in rows for index in row)
    np.save(path, np.asarray(rows, dtype=np.int8 if signed else np.uint8), allow_pickle=False)
