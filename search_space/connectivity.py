"""Which nodes of a cell are left without input: the one rule that validation and derivation share."""

from collections.abc import Sequence

from search_space.topology import OUTPUT_NODE, SKIP_NODE, CellEdges

NONE = "none"


def nodes_without_input(edges: CellEdges, names: Sequence[str]) -> tuple[int, ...]:
    """Nodes that must have an input and have none, last node first.

    The output needs an input; the skip node too, even where nothing reads it (as in the released derivation);
    and every node that a used edge reads. `names` holds one primitive name an edge.
    """
    used = [edge for edge, name in zip(edges, names, strict=True) if name != NONE]
    needed = {OUTPUT_NODE, SKIP_NODE} | {edge.source for edge in used} - {0}
    return tuple(sorted(needed - {edge.target for edge in used}, reverse=True))
