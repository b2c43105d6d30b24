"""The type of search spaces, a value that all other code reads. Imports no torch."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod
from typing import TYPE_CHECKING, Any

from search_space.errors import GenotypeError
from search_space.topology import NONE, CellEdges, Edge, Kind, Network, Primitive, SkipIn, nodes_without_input

if TYPE_CHECKING:
    from torch import nn

    from search_space.genotype import Genotype
    from search_space.networks.config import GeneratorConfig, NetworkConfig
    from search_space.parameter_table import ParameterTable

DEFAULT_SPACE = "adversarialnas"
"""The space of genotypes and searches that name none."""

Names = Sequence[str]
"""The names of a cell: one primitive per edge."""

Rows = Sequence[Sequence[int]]
"""The published form of a genotype: one index an edge, in one row a cell."""


def _nothing_else(edges: CellEdges, names: Names) -> None:  # noqa: ARG001
    return None


# Compared by identity: a space is one object, which copies of networks share.
@dataclass(frozen=True, eq=False)
class SearchSpace:
    """Which networks exist: what each edge of each cell chooses from, and how the networks are built."""

    name: str
    vocabularies: Mapping[Kind, tuple[Primitive, ...]]
    cells: Mapping[Network, tuple[CellEdges, ...]]
    """Edges of every cell, in the order of genotypes. A space may have one network only."""
    build: "Callable[[Network, NetworkConfig, Genotype | None, int], nn.Module]"
    """The derived network of a genotype or, for None, the supernet; the number is how many outputs a
    discriminator has. Imports torch when called."""
    image_size: "Callable[[GeneratorConfig], int]"
    """Height and width of a generator's images, in pixels."""
    parameter_table: "Callable[[Network, NetworkConfig], ParameterTable]"
    """The number of parameters of each choice: it counts networks without building them."""
    groups: Mapping[Kind, str]
    """The tensor of architecture parameters that holds the logits, by kind of edge. Kinds may share one."""
    published: Mapping[Kind, Mapping[str, int]]
    """The index of every primitive in published genotypes, whatever its place in the vocabulary. A kind that
    is missing has no published form, and neither has a primitive that is."""
    skip_ins: tuple[tuple[SkipIn, ...], ...] = ()
    """Skips into the generator's cells, in the order of the released parameters."""
    output_node: int | None = None
    """The node that is the output; None if edges are genes of blocks: every choice is connected then."""
    skip_node: int | None = None
    """The node that is exported to later cells, and that their skips enter; it must have an input."""
    latent_dim: int = 120
    """Size of z in the published networks of the space."""
    latent_parts: int = 3
    """Parts that z is cut into in them."""
    other_fault: Callable[[CellEdges, Names], str | None] = _nothing_else
    """A further check of a cell: one line with the cure, or None."""
    has_mixtures: bool = True
    """Whether supernets compute weighted mixtures of primitives; paths are computed by every generator's."""

    def __deepcopy__(self, memo: Any) -> "SearchSpace":
        return self

    def cells_of(self, network: Network) -> tuple[CellEdges, ...]:
        """The cells of one network.

        Raises:
            GenotypeError: the space has no such network.
        """
        if network not in self.cells:
            raise GenotypeError(f"{self.name} has no {network}; it has a {' and a '.join(self.cells)}")
        return self.cells[network]

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Names of the primitives an edge of this kind chooses from."""
        return tuple(primitive.name for primitive in self.vocabularies[kind])

    def slots(self, edges: CellEdges) -> tuple[tuple[str, int], ...]:
        """The place of the architecture parameters of each edge: in which tensor, in which row of a cell."""
        groups = [self.groups[edge.kind] for edge in edges]
        return tuple((group, groups[:place].count(group)) for place, group in enumerate(groups))

    def size(self, network: Network) -> int:
        """Number of architectures: the product of the choices of every edge, valid together or not."""
        return prod(len(self.vocabularies[edge.kind]) for edges in self.cells_of(network) for edge in edges)

    def valid_size(self, network: Network) -> int:
        """Number of valid architectures: cell by cell, as cells are valid one by one. Takes seconds."""
        counted = Counter(self.cells_of(network))
        return prod(self._valid_cells(edges) ** count for edges, count in counted.items())

    def _valid_cells(self, edges: CellEdges) -> int:
        every = product(*(self.names(edge.kind) for edge in edges))
        return sum(self.fault(edges, names) is None for names in every)

    def nodes_without_input(self, edges: CellEdges, names: Names) -> tuple[int, ...]:
        """Nodes that must have an input and have none, last node first."""
        if self.output_node is None:
            return ()
        required = {self.output_node} if self.skip_node is None else {self.output_node, self.skip_node}
        return nodes_without_input(edges, names, required)

    def fault(self, edges: CellEdges, names: Names) -> str | None:
        """The fault in the choices of a cell, in one line with the cure; None if there is none."""
        for node in self.nodes_without_input(edges, names):
            into = " or ".join(edge.name for edge in edges if edge.target == node)
            return f"node {node} has no input; choose an operation other than none for {into}"
        return self.other_fault(edges, names)

    def repair(
        self, edges: CellEdges, names: Names, scores: Sequence[Mapping[str, float]]
    ) -> tuple[str, ...]:
        """The cell itself if it is valid, else one near it; `scores` says what each edge prefers.

        A node without input gets that of the edge which is least sure of none. What another rule forbids is
        replaced by the valid cell that differs in the fewest edges and of those scores best.
        """
        changed = list(names)
        # Last node first: giving a node its input may put an earlier node to use, which then needs one too.
        while missing := self.nodes_without_input(edges, changed):
            incoming = [index for index, edge in enumerate(edges) if edge.target == missing[0]]
            weakest = min(incoming, key=lambda index: scores[index][NONE])
            others = [name for name in scores[weakest] if name != NONE]
            changed[weakest] = max(others, key=scores[weakest].__getitem__)
        if self.fault(edges, changed) is None:
            return tuple(changed)
        return next(filter(None, self._nearest(edges, changed, scores)))

    def _nearest(
        self, edges: CellEdges, names: Names, scores: Sequence[Mapping[str, float]]
    ) -> Iterator[tuple[str, ...] | None]:
        """The best valid cell at each distance; None where there is none."""
        for distance in range(1, len(edges) + 1):
            found = (
                cell
                for places in combinations(range(len(edges)), distance)
                for cell in product(
                    *(
                        self.names(edge.kind) if place in places else (names[place],)
                        for place, edge in enumerate(edges)
                    )
                )
                if self.fault(edges, cell) is None
            )
            yield max(
                found,
                key=lambda cell: sum(edge[name] for edge, name in zip(scores, cell, strict=True)),
                default=None,
            )

    def check(self, network: Network, cells: Sequence[Names]) -> None:
        """Nothing, if these are the choices of a network of the space.

        Raises:
            GenotypeError: wrong number of cells or edges, an unknown primitive, or a fault of a cell.
        """
        for where, edges, names in self._placed(network, cells):
            for edge, name in zip(edges, names, strict=True):
                known = self.names(edge.kind)
                if name not in known:
                    raise GenotypeError(
                        f"{where}.{edge.name}: unknown primitive {shortened(name)}; known: {', '.join(known)}"
                    )
            if fault := self.fault(edges, names):
                raise GenotypeError(f"{where}: {fault}")

    def to_rows(self, network: Network, cells: Sequence[Names]) -> tuple[tuple[int, ...], ...]:
        """The published form of a network's choices.

        Raises:
            GenotypeError: a primitive has none.
        """
        return tuple(
            tuple(self._index(where, edge, name) for edge, name in zip(edges, names, strict=True))
            for where, edges, names in self._placed(network, cells)
        )

    def from_rows(self, network: Network, rows: Rows) -> tuple[tuple[str, ...], ...]:
        """Primitive names of a published genotype.

        Raises:
            GenotypeError: wrong number of cells or edges, or an unknown index.
        """
        return tuple(
            tuple(self._name(where, edge, index) for edge, index in zip(edges, row, strict=True))
            for where, edges, row in self._placed(network, rows)
        )

    def _placed(self, network: Network, cells: Sequence[Any]) -> Iterator[tuple[str, CellEdges, Any]]:
        """Each cell with its place in words and its edges, once all lengths are right."""
        expected = self.cells_of(network)
        if len(cells) != len(expected):
            raise GenotypeError(f"{network} cells: {len(cells)} given; a {network} has {len(expected)}")
        places = [f"{network} cells.{index}" for index in range(len(expected))]
        for where, edges, cell in zip(places, expected, cells, strict=True):
            if len(cell) != len(edges):
                raise GenotypeError(
                    f"{where}: {len(cell)} edges given; a cell of {self.name} has {len(edges)}"
                )
        yield from zip(places, expected, cells, strict=True)

    def _index(self, where: str, edge: Edge, name: str) -> int:
        known = self.published.get(edge.kind, {})
        if name not in known:
            raise GenotypeError(f"{where}.{edge.name}: {name} has no published index; save a .json file")
        return known[name]

    def _name(self, where: str, edge: Edge, index: int) -> str:
        known = {number: name for name, number in self.published.get(edge.kind, {}).items()}
        if index not in known:
            choices = ", ".join(f"{number} {name}" for number, name in known.items())
            raise GenotypeError(f"{where}.{edge.name}: no primitive {index}; known: {choices}")
        return known[index]


def shortened(value: object) -> str:
    """A value as an error message may show it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
