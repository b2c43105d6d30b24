"""A search as it records itself, made by hand."""

from pathlib import Path

from orchestrator.checkpoints.derivations import record_derivation
from search_space.genotype import Genotype
from search_space.sampling import sample_genotype
from search_space.spaces.adversarialnas import ADVERSARIALNAS
from search_space.topology import Network
from trainers.report import Report


def uniform(network: Network):
    """Probabilities of a network that prefers nothing."""
    return tuple(
        tuple((1 / len(names),) * len(names) for names in (ADVERSARIALNAS.names(edge.kind) for edge in cell))
        for cell in ADVERSARIALNAS.cells_of(network)
    )


def changed(genotype: Genotype, cell: int, edge: int, name: str) -> Genotype:
    """With another operation on one edge."""
    cells = [list(names) for names in genotype.cells]
    cells[cell][edge] = name
    return Genotype(network=genotype.network, cells=tuple(map(tuple, cells)))


def record(folder: Path, step: int, generator: Genotype) -> None:
    """A report of both networks; D stays as it is."""
    genotypes = {"generator": generator, "discriminator": sample_genotype("discriminator", 1)}
    preferred = {"generator": uniform("generator"), "discriminator": uniform("discriminator")}
    record_derivation(folder, Report(step, {}, genotypes, preferred))
