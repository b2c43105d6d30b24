"""Numbers recorded from the released code (see data/README.md), and what it means to equal them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from search_space.zoo.interop import canonical, released_parameters

TOLERANCE = 1e-9
"""Largest difference, relative to the largest entry of the expected array."""

BUFFERS = ("running_mean", "running_var", "num_batches_tracked", "weight_u", "weight_v")


@cache
def recorded(name: str) -> Mapping[str, Tensor]:
    """All arrays of one file of data/."""
    with np.load(Path(__file__).parent / "data" / f"{name}.npz", allow_pickle=False) as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays.files}


def under(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The arrays of one network, by released name."""
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}


def by_released_name(*modules: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers of our modules."""
    return {name: value for module in modules for name, value in released_parameters(module)}


def gradients_by_released_name(*modules: nn.Module) -> dict[str, Tensor]:
    """Gradients of our modules, whose parameters are lost: a name is a view of a parameter's storage."""
    for module in modules:
        for parameter in module.parameters():
            parameter.data = parameter.grad
    return {name: v for name, v in by_released_name(*modules).items() if not name.endswith(BUFFERS)}


def assert_equal(found: Tensor, expected: Tensor, name: str = "") -> None:
    """Equal to `TOLERANCE`; shapes may differ as stacked parameters and single ones do."""
    found, expected = found.detach().reshape(-1), expected.detach().reshape(-1)
    assert found.shape == expected.shape, name
    difference = float((found - expected).abs().max())
    assert difference <= TOLERANCE * float(expected.abs().max()), f"{name} differs by {difference}"


def assert_all_equal(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """The same names, and equal values under each."""
    found, expected = (
        {canonical(name): value for name, value in values.items()} for values in (found, expected)
    )
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert_equal(found[name], value, name)
