"""From architecture parameters to edge weights, one function of logits and noise for each mode of search, and
to the genotype they stand for.

Source: AdversarialNAS equations 3-4; Gumbel-softmax (Jang et al. 2017); the released code for its quirks.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from search_space.architecture import Architecture, EdgeWeights
from search_space.genotype import Genotype, Provenance, space_for
from search_space.networks.config import Relaxation
from search_space.space import SearchSpace
from search_space.topology import CellEdges

EdgeProbabilities = tuple[tuple[tuple[float, ...], ...], ...]
"""Probabilities by cell and edge, in the order of the space: softmax of the edge's own vocabulary."""


def relax(
    architecture: Architecture,
    mode: Relaxation,
    tau: float | Tensor = 1.0,
    noise: EdgeWeights | None = None,
    *,
    masked: bool = True,
) -> EdgeWeights:
    """Weights of all primitives on all edges.

    tau and noise (standard Gumbel, of the parameters' shapes) matter to all modes but softmax. `hard` gives
    the most probable primitive of the sample the weight 1 and the others 0, and passes gradients straight
    through to the sample (GDAS, Dong and Yang 2019). Without `masked`, D's image edges spread their weight
    over seven columns of which five exist, as released.
    """
    return EdgeWeights(
        {
            group: _relax(
                architecture, group, logits, mode, tau, None if noise is None else noise[group], masked
            )
            for group, logits in architecture.logits.items()
        }
    )


def _relax(
    architecture: Architecture,
    group: str,
    logits: Float[Tensor, "cells edges columns"],
    mode: Relaxation,
    tau: float | Tensor,
    noise: Tensor | None,
    masked: bool,
) -> Float[Tensor, "cells edges columns"]:
    if masked:
        logits = architecture.masked(group, logits)
    if mode == "softmax":
        return logits.softmax(-1)
    if noise is None:
        raise ValueError(f"relaxation {mode!r} needs noise")
    if mode in ("gumbel", "hard"):
        sample = ((logits + noise) / tau).softmax(-1)
        return sample if mode == "gumbel" else _straight_through(sample)
    perturbed = (logits.softmax(-1) + noise) / tau
    if masked:
        perturbed = architecture.masked(group, perturbed)
    return perturbed.softmax(-1)


def _straight_through(sample: Float[Tensor, "cells edges columns"]) -> Float[Tensor, "cells edges columns"]:
    """One-hot in value, exactly; the sample in its gradient."""
    one_hot = torch.zeros_like(sample).scatter(-1, sample.argmax(-1, keepdim=True), 1.0)
    return one_hot + (sample - sample.detach())


def gumbel_noise(architecture: Architecture, generator: torch.Generator) -> EdgeWeights:
    """Standard Gumbel noise of the architecture's shapes, on its device."""

    def draw(like: Tensor) -> Tensor:
        uniform = torch.empty_like(like, requires_grad=False).exponential_(generator=generator)
        return -uniform.log()

    return EdgeWeights({group: draw(logits.detach()) for group, logits in architecture.logits.items()})


def one_hot(genotype: Genotype, architecture: Architecture) -> EdgeWeights:
    """Edge weights under which the supernet computes what the genotype's derived network computes."""
    space = space_for(architecture.network, genotype, architecture.space.name)
    weights = EdgeWeights(
        {
            group: torch.zeros_like(logits, requires_grad=False)
            for group, logits in architecture.logits.items()
        }
    )
    for cell, (edges, names) in enumerate(zip(space.cells_of(genotype.network), genotype.cells, strict=True)):
        for edge, (group, row), name in zip(edges, space.slots(edges), names, strict=True):
            weights[group][cell, row, space.names(edge.kind).index(name)] = 1
    return weights


@torch.no_grad()
def entropy(architecture: Architecture) -> float:
    """Mean over edges of the entropy of softmax(alpha), as a share of its maximum: 1 undecided, 0 decided."""
    shares = []
    for group, weights in relax(architecture, "softmax").items():
        choices = architecture.mask(group).sum(-1).to(weights)
        share = torch.special.entr(weights).sum(-1) / choices.log()
        shares.append(share[choices > 1])  # rows of one choice are edges that a cell does not have
    return float(torch.cat(shares).mean())


@torch.no_grad()
def probabilities(architecture: Architecture) -> EdgeProbabilities:
    """softmax(alpha) of every edge, without tau and noise."""
    space, weights = architecture.space, relax(architecture, "softmax")
    return tuple(
        tuple(
            tuple(weights[group][cell, row, : len(space.vocabularies[edge.kind])].tolist())
            for edge, (group, row) in zip(edges, space.slots(edges), strict=True)
        )
        for cell, edges in enumerate(space.cells_of(architecture.network))
    )


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
