"""From architecture parameters to edge weights: each mode of search is one function of logits and noise.

Source: AdversarialNAS equations 3-4; Gumbel-softmax (Jang et al. 2017); the released code for its quirks.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from search_space.architecture import Architecture, EdgeWeights
from search_space.genotype import Genotype
from search_space.networks.config import Relaxation
from search_space.primitives import VOCABULARIES
from search_space.topology import CELLS, slots

EdgeProbabilities = tuple[tuple[tuple[float, ...], ...], ...]
"""By cell and edge, in the order of `topology`: softmax of the edge's own vocabulary."""


def relax(
    architecture: Architecture,
    mode: Relaxation,
    tau: float | Tensor = 1.0,
    noise: EdgeWeights | None = None,
    *,
    masked: bool = True,
) -> EdgeWeights:
    """Weights of all primitives on all edges.

    tau and noise (standard Gumbel, of the parameters' shapes) matter to the Gumbel modes only. Without
    `masked`, D's image edges spread their weight over seven columns of which five exist, as released.
    """
    mask = architecture.mask if masked else None
    return EdgeWeights(
        _relax(architecture.normal, mode, tau, noise and noise.normal, mask),
        _relax(architecture.resample, mode, tau, noise and noise.resample, None),
    )


def _relax(
    logits: Float[Tensor, "cells edges columns"],
    mode: Relaxation,
    tau: float | Tensor,
    noise: Tensor | None,
    mask: Bool[Tensor, "cells edges columns"] | None,
) -> Float[Tensor, "cells edges columns"]:
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)
    if mode == "softmax":
        return logits.softmax(-1)
    if noise is None:
        raise ValueError(f"relaxation {mode!r} needs noise")
    if mode == "gumbel":
        return ((logits + noise) / tau).softmax(-1)
    perturbed = (logits.softmax(-1) + noise) / tau
    if mask is not None:
        perturbed = perturbed.masked_fill(~mask, -torch.inf)
    return perturbed.softmax(-1)


def gumbel_noise(architecture: Architecture, generator: torch.Generator) -> EdgeWeights:
    """Standard Gumbel noise of the architecture's shapes, on its device."""

    def draw(like: Tensor) -> Tensor:
        uniform = torch.empty_like(like, requires_grad=False).exponential_(generator=generator)
        return -uniform.log()

    return EdgeWeights(draw(architecture.normal.detach()), draw(architecture.resample.detach()))


def one_hot(genotype: Genotype, architecture: Architecture) -> EdgeWeights:
    """Edge weights under which the supernet computes what the genotype's derived network computes."""
    weights = EdgeWeights(
        *(torch.zeros_like(logits, requires_grad=False) for logits in architecture.parameters())
    )
    for cell, (edges, row) in enumerate(zip(CELLS[genotype.network], genotype.rows, strict=True)):
        for (group, slot), index in zip(slots(edges), row, strict=True):
            getattr(weights, group)[cell, slot, index] = 1
    return weights


@torch.no_grad()
def entropy(architecture: Architecture) -> float:
    """Mean over edges of the entropy of softmax(alpha), as a share of its maximum: 1 undecided, 0 decided."""
    normal, resample = relax(architecture, "softmax")
    shares = [
        torch.special.entr(normal).sum(-1) / architecture.mask.sum(-1).to(normal).log(),
        torch.special.entr(resample).sum(-1) / math.log(resample.shape[-1]),
    ]
    return float(torch.cat([share.flatten() for share in shares]).mean())


@torch.no_grad()
def probabilities(architecture: Architecture) -> EdgeProbabilities:
    """softmax(alpha) of every edge, without tau and noise."""
    weights = relax(architecture, "softmax")
    return tuple(
        tuple(
            tuple(getattr(weights, group)[cell, slot, : len(VOCABULARIES[edge.kind])].tolist())
            for edge, (group, slot) in zip(edges, slots(edges), strict=True)
        )
        for cell, edges in enumerate(CELLS[architecture.network])
    )
