"""Parameters of the released code, by its names: import of its checkpoints and of recorded reference numbers.

Checkpoints published for the released code hold every convolution twice (`.conv.` or `.dilconv.`, and
`.op.`) and may carry DataParallel's `module.` prefix; both spellings are read.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from search_space.architecture import Architecture
from search_space.errors import UserError
from search_space.networks.cell import Cell
from search_space.networks.discriminator import Discriminator
from search_space.networks.fixed_discriminator import Block, FirstBlock, FixedDiscriminator
from search_space.networks.generator import Generator
from search_space.space import SearchSpace
from search_space.stacked import Filling, StackedConvolution, StackedTransposed
from search_space.topology import Edge

GENERATOR_KEYS = {"avg_gen_state_dict": "ema", "gen_state_dict": "raw"}
"""The keys of a released checkpoint's generators; the paper scores the moving average."""

UNLABELLED = "unlabelled"
"""A generator of a file that does not say whether it is the average."""

_SCALAR: Any = np.float64().__reduce__()[0]
SCALARS: list[Any] = [
    _SCALAR,
    (_SCALAR, "numpy.core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(name)) for name in ("float32", "float64", "int64")),
]
"""The globals with which a best FID or a step is pickled; before NumPy 2 under another name."""


class CheckpointError(UserError):
    """A checkpoint that cannot be read or does not fit the network."""


Named = tuple[str, Tensor]
"""A released name and our storage of its values; sizes agree, shapes need not."""


def read_released_generator(path: Path) -> tuple[Mapping[str, Tensor], str]:
    """State of the generator of a released `.pth` checkpoint, and which it is.

    The moving average (`ema`) if there is one, else the `raw` one, or what a file of tensors alone holds
    (`unlabelled`).

    Raises:
        CheckpointError: not a checkpoint of tensors; pickled code is never executed.
    """
    try:
        with torch.serialization.safe_globals(SCALARS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise CheckpointError(f"{path}: {error.strerror}") from error
    except Exception as error:  # torch's unpickler raises nearly everything on damaged files
        raise CheckpointError(
            f"{path}: damaged, or holds more than tensors; fetch it again, or save its tensors alone"
        ) from error
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path}: holds a {type(content).__name__}, not a dictionary of tensors")
    key = next((key for key in GENERATOR_KEYS if key in content), None)
    state, weights = (content, UNLABELLED) if key is None else (content[key], GENERATOR_KEYS[key])
    if not isinstance(state, Mapping) or not any(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{path}: holds neither tensors nor one of {', '.join(GENERATOR_KEYS)}")
    return state, weights


@torch.no_grad()
def load_released(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy released parameters into a network, a fixed discriminator or architecture parameters.

    Raises:
        CheckpointError: a parameter is missing, of another size, or two spellings of it differ.
    """
    values = _canonical_state(state)
    for name, target in released_parameters(module):
        value = values.get(canonical(name))
        if value is None:
            raise CheckpointError(f"the checkpoint lacks {name}: is it of another genotype or network?")
        if value.numel() != target.numel():
            raise CheckpointError(
                f"{name} has {value.numel()} values where the network has {target.numel()}: "
                "is it of another genotype, or of other widths?"
            )
        target.copy_(value.reshape(target.shape))


def canonical(name: str) -> str:
    """The one spelling of a released parameter's name."""
    return re.sub(r"\.(conv|dilconv|op\.\d+)\.(?=\w+$)", ".conv.", name.removeprefix("module."))


def _canonical_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    values: dict[str, Tensor] = {}
    for name, value in state.items():
        key = canonical(name)
        if key in values and not torch.equal(values[key], value):
            raise CheckpointError(f"the checkpoint holds {key} twice, with different values: it is damaged")
        values[key] = value
    return values


def released_parameters(module: nn.Module) -> Iterator[Named]:
    """Every parameter and buffer of a module under its released name.

    Raises:
        TypeError: the released code has no such module.
    """
    match module:
        case Generator():
            yield from _generator(module)
        case Discriminator():
            yield from _discriminator(module)
        case FixedDiscriminator():
            yield from _fixed_discriminator(module)
        case Architecture():
            yield "alphas_normal", module.logits["normal"]
            resampling = "alphas_up" if module.network == "generator" else "alphas_down"
            yield resampling, module.logits["resample"]
        case _:
            raise TypeError(f"the released code has no {type(module).__name__}")


def _generator(generator: Generator) -> Iterator[Named]:
    for part, linear in enumerate(generator.latents):
        yield from _named(f"l{part + 1}", linear)
    for index, cell in enumerate(generator.cells):
        assert isinstance(cell, Cell)
        yield from _cell(f"cell{index + 1}", cell, generator.space, generator.space.cells["generator"][index])
        for number, skip in enumerate(cell.skips):
            yield from _named(f"cell{index + 1}.skip_in_ops.{number}", skip)
    yield from _named("to_rgb.0", generator.norm)
    yield from _named("to_rgb.2", generator.to_image)


def _discriminator(discriminator: Discriminator) -> Iterator[Named]:
    for index, cell in enumerate(discriminator.cells):
        assert isinstance(cell, Cell)
        yield from _cell(
            f"block{index + 1}", cell, discriminator.space, discriminator.space.cells["discriminator"][index]
        )
    yield from _convolution("l5", discriminator.score.linear, 0)


def _fixed_discriminator(discriminator: FixedDiscriminator) -> Iterator[Named]:
    for index, block in enumerate(discriminator.blocks):
        assert isinstance(block, Block | FirstBlock)
        for name, convolution in (("c1", block.conv1), ("c2", block.conv2), ("c_sc", block.shortcut)):
            if convolution is not None:
                yield from _convolution(f"block{index + 1}.{name}", convolution, 0)
    yield from _convolution("l5", discriminator.score.linear, 0)


def _named(prefix: str, module: nn.Module) -> Iterator[Named]:
    for name, tensor in module.state_dict(keep_vars=True).items():
        yield f"{prefix}.{name}", tensor


def _cell(prefix: str, cell: Cell, space: SearchSpace, edges: tuple[Edge, ...]) -> Iterator[Named]:
    for filling in cell.fillings:
        operation = cell.operation(filling)
        for position, edge in enumerate(filling.edges):
            place = f"{prefix}.{_edge_name(edge, edges)}.{_index(cell, space, filling, edge)}"
            if isinstance(operation, StackedTransposed):
                yield f"{place}.convT.1.weight", operation.depthwise[position]
                yield f"{place}.convT.2.weight", operation.pointwise.weight[position]
            elif isinstance(operation, StackedConvolution):
                layer = "c.1" if edge.kind == "up" else "conv"
                yield from _convolution(f"{place}.{layer}", operation, position)


def _edge_name(edge: Edge, edges: tuple[Edge, ...]) -> str:
    same = [other for other in edges if (other.kind in ("up", "down")) == (edge.kind in ("up", "down"))]
    number = same.index(edge)
    return {"up": f"up{number}.ups", "down": f"down{number}.ops"}.get(edge.kind, f"c{number}.ops")


def _index(cell: Cell, space: SearchSpace, filling: Filling, edge: Edge) -> int:
    """Released index of a primitive on its edge: derived networks hold the chosen one alone, as number 0."""
    alone = sum(edge in other.edges for other in cell.fillings) == 1
    return 0 if alone else space.published[filling.kind][filling.primitive.name]


def _convolution(prefix: str, convolution: StackedConvolution, position: int) -> Iterator[Named]:
    weight = "weight_orig" if convolution.spectral else "weight"
    yield f"{prefix}.{weight}", convolution.weight[position]
    if convolution.bias is not None:
        yield f"{prefix}.bias", convolution.bias[position]
    if convolution.spectral:
        yield f"{prefix}.weight_u", convolution.u[position]
        yield f"{prefix}.weight_v", convolution.v[position]
