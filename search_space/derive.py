"""From architecture parameters to a genotype."""

import torch
from torch import Tensor

from search_space.architecture import Architecture
from search_space.genotype import Genotype, Provenance
from search_space.space import SearchSpace
from search_space.topology import CellEdges


def derive(architecture: Architecture, provenance: Provenance | None = None) -> Genotype:
    """The most probable primitive of every edge, repaired so that no node is left without input.

    Columns past an edge's vocabulary are ignored: the edges of D's first cell that read the image have 7
    columns and 5 primitives.

    Source: AdversarialNAS, released derivation, with the softmax over primitives on D's normal edges too (the
    released code takes it over edges there).
    """
    space, network = architecture.space, architecture.network
    logits = {group: values.detach().cpu().double() for group, values in architecture.logits.items()}
    return Genotype(
        space=space.name,
        network=network,
        cells=tuple(
            _derive_cell(space, edges, {group: values[cell] for group, values in logits.items()})
            for cell, edges in enumerate(space.cells_of(network))
        ),
        provenance=provenance,
    )


def _derive_cell(space: SearchSpace, edges: CellEdges, logits: dict[str, Tensor]) -> tuple[str, ...]:
    scores = []
    for edge, (group, row) in zip(edges, space.slots(edges), strict=True):
        names = space.names(edge.kind)
        preferred = torch.log_softmax(logits[group][row, : len(names)], dim=0).tolist()
        scores.append(dict(zip(names, preferred, strict=True)))
    return space.repair(edges, [max(edge, key=edge.__getitem__) for edge in scores], scores)
