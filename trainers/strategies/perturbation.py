"""Derivation by perturbation: each edge keeps the primitive without which the supernet's images score worst.

Source: DARTS-PT (Wang et al. 2021), with the score of images in the place of a classifier's accuracy. An edge
is decided at a time, in random order, and the weights train on in between. Shapes: rows of a group's edges.
"""

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from search_space.architecture import Architecture, EdgeWeights
from search_space.genotype import Genotype
from search_space.networks.generator import ImageGenerator
from search_space.relaxation import derive, relax
from search_space.topology import NONE
from trainers.noise import seed_for
from trainers.strategies.inherited import Score, log_score, recalibrate

WORST = 1e3
"""The damage of a removal after which images are not finite."""

Place = tuple[int, str, int, tuple[str, ...]]
"""An edge: its cell, the group and the row of its architecture parameters, its primitives."""


class Decisions(nn.Module):
    """What the removal of every primitive of the decided edges did to the score: a part of the checkpoint."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self._space, self._network = architecture.space, architecture.network
        for group, logits in architecture.logits.items():
            self.register_buffer(f"{group}_damage", torch.zeros_like(logits, dtype=torch.float64))
            self.register_buffer(f"{group}_decided", torch.zeros(logits.shape[:2], dtype=torch.bool))

    @property
    def places(self) -> list[Place]:
        """All edges."""
        return [
            (cell, group, row, tuple(self._space.names(edge.kind)))
            for cell, edges in enumerate(self._space.cells_of(self._network))
            for edge, (group, row) in zip(edges, self._space.slots(edges), strict=True)
        ]

    @property
    def count(self) -> int:
        """Edges that have been decided."""
        return sum(int(self._decided(group)[cell, row]) for cell, group, row, _ in self.places)

    def in_order(self, seed: int) -> list[Place]:
        """All edges in the order in which they are decided."""
        places = self.places
        generator = torch.Generator().manual_seed(seed_for(seed, "perturbation order"))
        return [places[number] for number in torch.randperm(len(places), generator=generator).tolist()]

    def decide(self, place: Place, damage: Mapping[str, float]) -> None:
        """Give an edge the primitive whose removal does most damage."""
        cell, group, row, names = place
        values = torch.full_like(self._damage(group)[cell, row], -math.inf)
        values[: len(names)] = torch.tensor([damage[name] for name in names], dtype=torch.float64)
        self._damage(group)[cell, row] = values
        self._decided(group)[cell, row] = True

    def applied(self, weights: EdgeWeights) -> EdgeWeights:
        """Edge weights of which those of decided edges are 1 for what was chosen, and 0 for the others."""
        return EdgeWeights(
            {
                group: torch.where(self._decided(group).unsqueeze(-1), self._chosen(group, values), values)
                for group, values in weights.items()
            }
        )

    @torch.no_grad()
    def derived(self, architecture: Architecture) -> Genotype:
        """The decided edges' primitives, alpha's on the others, repaired so that every node has an input."""
        decided = Architecture(self._network, space=self._space.name)
        for group, logits in architecture.logits.items():
            values = torch.where(self._decided(group).unsqueeze(-1), self._damage(group).to(logits), logits)
            decided.logits[group].copy_(values)
        return derive(decided)

    def _chosen(self, group: str, like: Tensor) -> Tensor:
        best = self._damage(group).argmax(-1, keepdim=True)
        return torch.zeros_like(like).scatter(-1, best, 1.0)

    def _damage(self, group: str) -> Tensor:
        return self.get_buffer(f"{group}_damage")

    def _decided(self, group: str) -> Tensor:
        return self.get_buffer(f"{group}_decided")


class Perturbation:
    """Scores a supernet without each primitive of an edge."""

    def __init__(
        self, generator: ImageGenerator, alpha: Architecture, decisions: Decisions, latents: Tensor
    ) -> None:
        """`latents` are those of BatchNorm's statistics."""
        self._generator, self._alpha, self._decisions, self._latents = generator, alpha, decisions, latents

    @torch.no_grad()
    def damage(self, place: Place, score: Score) -> dict[str, float]:
        """By how much the logarithm of the score is worse without each primitive.

        `none` gives nothing, so its removal does no damage: it is chosen where all other removals improve the
        images. Images that are not finite are the worst.
        """
        whole = self._log_score(self._weights(), score)
        found = dict.fromkeys(place[3], 0.0)
        for name, weights in self._without_each(place):
            change = self._log_score(weights, score) - whole
            found[name] = WORST if math.isnan(change) else change
        return found

    def _without_each(self, place: Place) -> Iterator[tuple[str, EdgeWeights]]:
        cell, group, row, names = place
        for column, name in enumerate(names):
            if name != NONE:
                weights = EdgeWeights({other: values.clone() for other, values in self._weights().items()})
                weights[group][cell, row, column] = 0.0  # the others stay as they are
                yield name, weights

    def _weights(self) -> EdgeWeights:
        return self._decisions.applied(relax(self._alpha, "softmax"))

    def _log_score(self, weights: EdgeWeights, score: Score) -> float:
        def images(latents: Tensor) -> Tensor:
            return self._generator(latents, weights)

        recalibrate(self._generator, self._latents, images)
        self._generator.eval()
        return log_score(score, images)
