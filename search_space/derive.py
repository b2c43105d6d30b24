"""From architecture parameters to a genotype. Shapes: C cells, P primitives of a resampling edge."""

import torch
from jaxtyping import Float
from torch import Tensor

from search_space.genotype import Genotype, Provenance
from search_space.primitives import primitive_names
from search_space.topology import CELLS, NONE, CellEdges, Network, is_resampling, nodes_without_input

Scores = dict[str, float]
"""Log-probability of each primitive of one edge."""


def derive(
    network: Network,
    normal: Float[Tensor, "C 5 7"],
    resample: Float[Tensor, "C 2 P"],
    provenance: Provenance | None = None,
) -> Genotype:
    """The most probable primitive of every edge, repaired so that no node is left without input.

    `normal` and `resample` are logits. Columns past an edge's vocabulary are ignored: the edges of D's first
    cell that read the image have 7 columns and 5 primitives.

    Source: AdversarialNAS, released derivation, with the softmax over primitives on D's normal edges too (the
    released code takes it over edges there).
    """
    cells = zip(CELLS[network], normal.detach().cpu(), resample.detach().cpu(), strict=True)
    return Genotype(
        network=network,
        cells=tuple(_derive_cell(edges, _scores(edges, *logits)) for edges, *logits in cells),
        provenance=provenance,
    )


def _scores(edges: CellEdges, normal: Tensor, resample: Tensor) -> list[Scores]:
    rows = {False: iter(normal.double()), True: iter(resample.double())}
    scores = []
    for edge in edges:
        names = primitive_names(edge.kind)
        logits = next(rows[is_resampling(edge)])[: len(names)]
        scores.append(dict(zip(names, torch.log_softmax(logits, dim=0).tolist(), strict=True)))
    return scores


def _derive_cell(edges: CellEdges, scores: list[Scores]) -> tuple[str, ...]:
    names = [max(edge, key=edge.__getitem__) for edge in scores]
    # Last node first: giving a node its input may put an earlier node to use, which then needs one too.
    while missing := nodes_without_input(edges, names):
        incoming = [index for index, edge in enumerate(edges) if edge.target == missing[0]]
        weakest = min(incoming, key=lambda index: scores[index][NONE])
        others = [name for name in scores[weakest] if name != NONE]
        names[weakest] = max(others, key=scores[weakest].__getitem__)
    return tuple(names)
