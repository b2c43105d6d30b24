"""Parameters of other spaces' networks under the names of their released code."""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from search_space.genotype import Genotype
from search_space.spaces.registry import SPACES


def _autogan(name: str) -> str:
    match = re.match(r"cells\.(\d)\.(.*)", name)
    if match is None:
        return _stem(name)
    index, rest = int(match[1]), match[2]
    if skip := re.fullmatch(r"skips\.(\d)\.deconvs\.(\d)\.(\w+)", rest):
        distance = index - int(skip[1])
        rest = f"skip_deconvx2.{skip[3]}" if distance == 1 else f"skip_deconvx4.{skip[2]}.{skip[3]}"
    layers = {"convs": "conv", "norms": "bn", "deconvs": "deconv"}
    rest = re.sub(
        r"blocks\.(\d)\.(\w+)\.(pre|post)",
        lambda block: f"{block[3]}_conv{int(block[1]) + 1}.{layers[block[2]]}",
        rest,
    )
    rest = re.sub(r"skips\.(\d)\.convolution", r"skip_in_ops.\1", rest)
    rest = rest.replace("shortcut.deconvs.0", "deconv_sc").replace("shortcut.convolution", "c_sc")
    return f"cell{index + 1}.{rest}"


def _alphagan(name: str, *, supernet: bool) -> str:
    match = re.match(r"cells\.(\d)\.(ups|normals|skips)\.(\d)\.(.*)", name)
    if match is None:
        return _stem(name)
    edges = {"ups": "_up_ops", "normals": "_normal_ops", "skips": "_mixed_ops_prev"}[match[2]]
    place, rest = f"cell{int(match[1]) + 1}.{edges}.{match[3]}", match[4]
    kind = "normal" if match[2] == "normals" else "up"
    primitive = "deconv" if kind == "up" else re.search(r"(plain|separable)\.(\w+)", rest)[2]
    if supernet:
        place += f"._ops.{SPACES['alphagan'].names(kind).index(primitive)}"
    rest = re.sub(r"^deconv\.", "_func.", rest)
    rest = re.sub(r"plain\.\w+\.", "1.", rest)
    rest = re.sub(
        r"separable\.\w+\.halves\.(\d)\.(\d)", lambda half: f"op.{4 * int(half[1]) + int(half[2])}", rest
    )
    return f"{place}.{rest}"


def _stem(name: str) -> str:
    return re.sub("^latent", "l1", name).replace("to_image", "to_rgb.2").replace("norm.", "to_rgb.0.")


def _eagan(name: str) -> str:
    name = re.sub(r"\.(u|v)$", r".weight_\1", re.sub(r"\.weight$", ".weight_orig", name))
    name = name.replace("first.conv", "block1.c").replace("first.shortcut", "block1.c_sc")
    name = name.replace("score.linear", "l5")

    def edge(match: re.Match[str]) -> str:
        number = int(match[2])
        kind = f"c{number}" if number < 5 else f"down{number - 5}"
        layer = "dilconv" if match[3].startswith("dil") else "conv"
        return f"block{int(match[1]) + 2}.{kind}.ops.0.{layer}"

    return re.sub(r"cells\.(\d)\.edges\.e(\d)\.(\w+?)(?=\.\w+$)", edge, name)


NAMES: Mapping[str, Callable[[str], str]] = {
    "autogan": _autogan,
    "alphagan": lambda name: _alphagan(name, supernet=False),
    "alphagan supernet": lambda name: _alphagan(name, supernet=True),
    "eagan": _eagan,
}


@torch.no_grad()
def load(network: nn.Module, weights: Mapping[str, Tensor], names: Callable[[str], str]) -> set[str]:
    """Copy released weights into a network; returns the released names it has taken."""
    taken = {names(name): value for name, value in network.state_dict(keep_vars=True).items()}
    taken = {name: value for name, value in taken.items() if not name.endswith("num_batches_tracked")}
    for name, target in taken.items():
        assert weights[name].numel() == target.numel(), name
        target.copy_(weights[name].reshape(target.shape))
    return set(taken)


def unchecked(space: str, *cells: str) -> Genotype:
    """A genotype with primitives that the space of the published searches does not have."""
    names = tuple(tuple(cell.split()) for cell in cells)
    network = "discriminator" if space == "eagan" else "generator"
    return Genotype.model_construct(space=space, network=network, cells=names)
