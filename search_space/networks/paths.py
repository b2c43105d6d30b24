"""Single paths through a supernet: of the stacked parameters, the rows that a genotype uses.

A path computes what the genotype's derived network computes, and nothing else; its gradients arrive in the
supernet's parameters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from search_space.architecture import EdgeWeights
from search_space.backends.backend import Backend, Operation
from search_space.backends.registry import BACKENDS
from search_space.genotype import Genotype
from search_space.networks.cell import Cell
from search_space.stacked import (
    Filling,
    SpectralNorm,
    StackedConvolution,
    StackedTransposed,
    fill,
    spectral_norms,
    taken,
)

CarryingCell = Callable[[Tensor, Sequence[Any]], tuple[Tensor, Tensor | None]]
"""A cell whose edge weights are settled: from its input and the earlier skips to its output and its skip."""


def weighted(cell: nn.Module, edge_weights: EdgeWeights | None, index: int) -> CarryingCell:
    """Cell number `index` under its share of a network's edge weights."""
    return lambda x, skips: cell(x, edge_weights and edge_weights.of_cell(index), skips)


def in_shares(batch: Tensor, paths: Sequence[Genotype]) -> tuple[Tensor, ...]:
    """Equal, consecutive shares of a batch, one a path."""
    if len(batch) % len(paths):
        raise ValueError(f"a batch of {len(batch)} has no {len(paths)} equal shares")
    return batch.chunk(len(paths))


@torch.no_grad()
def inherit(derived: nn.Module, supernet: nn.Module) -> None:
    """Give a derived network the parameters and buffers of its path in a supernet of the same widths."""
    own = {name: value.shape for name, value in derived.state_dict().items()}
    fit = {name: value for name, value in supernet.state_dict().items() if own.get(name) == value.shape}
    derived.load_state_dict(fit, strict=False)
    for prefix, module in derived.named_modules():
        if isinstance(module, nn.BatchNorm2d) and module.affine and f"{prefix}.weight" not in fit:
            nn.init.ones_(module.weight)  # a supernet whose choices are weighted holds no scales
            nn.init.zeros_(module.bias)
    for cell, whole in zip(_cells(derived), _cells(supernet), strict=True):
        stacks = {(filling.kind, filling.primitive): filling for filling in whole.fillings}
        for filling, operation in cell.operations().items():
            if operation is not None:
                stack = stacks[filling.kind, filling.primitive]
                rows = [stack.position(edge) for edge in filling.edges]
                source = cast(nn.Module, whole.operation(stack)).state_dict()
                for name, value in operation.state_dict().items():
                    value.copy_(taken(source[name], rows))


def used_rows(supernet: nn.Module, paths: Sequence[Genotype]) -> dict[nn.Parameter, list[int]]:
    """The rows of every stacked parameter of the cells that some path uses."""
    rows: dict[nn.Parameter, list[int]] = {}
    for index, cell in enumerate(_cells(supernet)):
        used = {(edge, path.cells[index][place]) for path in paths for place, edge in enumerate(cell.edges)}
        for filling, operation in cell.operations().items():
            drawn = [row for row, edge in enumerate(filling.edges) if (edge, filling.primitive.name) in used]
            for parameter in operation.parameters() if operation is not None else ():
                rows[parameter] = drawn
    return rows


def _cells(network: nn.Module) -> list[Cell]:
    return [module for module in network.modules() if isinstance(module, Cell)]


class CellRows:
    """The parameters of a supernet's cell row by row, for all paths of one forward.

    In training mode every spectral norm makes one power iteration, whichever rows are used: the same on all
    workers, whose paths differ.
    """

    def __init__(self, cell: nn.Module) -> None:
        self._cell = cast(Cell, cell)
        operations = self._cell.operations()
        stacks = [s for s in operations.values() if isinstance(s, StackedConvolution) and s.spectral]
        norms = dict(zip(stacks, spectral_norms(stacks), strict=True)) if stacks else {}
        self._stacks = {
            (filling.kind, filling.primitive): (filling, _rows(operation, norms))
            for filling, operation in operations.items()
        }

    def path(self, names: Sequence[str]) -> "CellPath":
        """The cell as filled by a genotype: one primitive an edge, in edge order."""
        fillings = fill(self._cell.space, self._cell.edges, [(name,) for name in names])
        operations = {filling: self._taken(filling) for filling in fillings}
        backend = BACKENDS[self._cell.backend_name](operations)
        return CellPath(self._cell, backend, tuple(self._cell.inner_nodes(fillings)))

    def _taken(self, filling: Filling) -> Operation | None:
        whole, rows = self._stacks[filling.kind, filling.primitive]
        return None if rows is None else rows.take([whole.position(edge) for edge in filling.edges])


@dataclass(frozen=True)
class CellPath:
    """One path of a cell, for one forward."""

    cell: Cell
    backend: Backend
    inner_nodes: tuple[int, ...]

    def __call__(self, x: Tensor, skips: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
        """The output node, and the skip node if there is one."""
        return self.cell.carry(self.backend.flow(x, None), self.inner_nodes, x, skips)


class _ConvolutionRows:
    # Unbound once for all paths: the gradient of each slice would be as large as the whole stack.
    def __init__(self, stack: StackedConvolution, norm: SpectralNorm | None) -> None:
        self._weights, self._norm = stack.weight.unbind(), norm
        self._biases = None if stack.bias is None else stack.bias.unbind()

    def take(self, rows: Sequence[int]) -> StackedConvolution:
        return TakenConvolution(
            _joined(self._weights, rows),
            None if self._biases is None else _joined(self._biases, rows),
            None if self._norm is None else SpectralNorm(*(taken(part, rows) for part in self._norm)),
        )


class _TransposedRows:
    def __init__(self, stack: StackedTransposed) -> None:
        self._depthwise, self._pointwise = stack.depthwise.unbind(), _ConvolutionRows(stack.pointwise, None)

    def take(self, rows: Sequence[int]) -> StackedTransposed:
        return TakenTransposed(_joined(self._depthwise, rows), self._pointwise.take(rows))


class TakenConvolution(StackedConvolution):
    """Rows of a stack, which keeps the parameters."""

    def __init__(self, weight: Tensor, bias: Tensor | None, norm: SpectralNorm | None) -> None:
        nn.Module.__init__(self)
        self.weight, self.bias, self.norm, self.spectral = weight, bias, norm, norm is not None


class TakenTransposed(StackedTransposed):
    """Rows of transposed convolutions, whose stack keeps the parameters."""

    def __init__(self, depthwise: Tensor, pointwise: StackedConvolution) -> None:
        nn.Module.__init__(self)
        self.depthwise, self.pointwise = depthwise, pointwise


def _rows(
    operation: Operation | None, norms: dict[StackedConvolution, SpectralNorm]
) -> _ConvolutionRows | _TransposedRows | None:
    if isinstance(operation, StackedTransposed):
        return _TransposedRows(operation)
    return None if operation is None else _ConvolutionRows(operation, norms.get(operation))


def _joined(rows: Sequence[Tensor], numbers: Sequence[int]) -> Tensor:
    # A single row is a view: nothing is copied, nothing but the parameter is kept for the backward pass.
    if len(numbers) == 1:
        return rows[numbers[0]].unsqueeze(0)
    return torch.stack([rows[number] for number in numbers])
