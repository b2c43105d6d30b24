"""The arguments and the help of `advnas generate` and `advnas export`."""

import argparse
from typing import TYPE_CHECKING

from orchestrator.cli.arguments import add_command, add_json, add_root, at_least_one, at_least_zero

if TYPE_CHECKING:
    from orchestrator.cli.arguments import Commands


def add_generate(commands: "Commands") -> None:
    """`advnas generate`."""
    command = add_command(
        commands,
        "generate",
        "make images with a trained generator",
        (
            "advnas generate mine --out grid.png",
            "advnas generate best.pth --genotype adversarialnas --out images.npz --count 50000 --gpu",
            "advnas generate my/generator.pt --out my/images --count 1000 --seed 1",
        ),
    )
    _add_source(command)
    command.add_argument(
        "--out",
        required=True,
        metavar="PATH",
        help="a grid (.png), an array (.npz), or else a folder of PNGs",
    )
    command.add_argument("--count", type=at_least_one, default=64, help="images (default: 64)")
    command.add_argument("--seed", type=at_least_zero, default=0, help="of the latents (default: 0)")
    command.add_argument("--batch-size", type=at_least_one, default=64, help="changes the speed only")
    command.add_argument("--gpu", action="store_true", help="compute on a GPU")
    add_json(command)


def add_export(commands: "Commands") -> None:
    """`advnas export`."""
    command = add_command(
        commands,
        "export",
        "write a trained generator alone, as ONNX or for torch.export, checked against the original",
        (
            "advnas export mine --out generator.onnx",
            "advnas export best.pth --genotype adversarialnas --out generator.pt2",
        ),
    )
    _add_source(command)
    command.add_argument("--out", required=True, metavar="FILE", help=".onnx or .pt2")
    add_json(command)


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "source",
        metavar="SOURCE",
        help="a run, runs:/ID of MLflow, a generator.pt, or a .pth checkpoint of the released code",
    )
    command.add_argument("--genotype", help="of a .pth checkpoint: a published name, a file, or a run")
    add_root(command)
    command.add_argument("--tracking-uri", metavar="URI", help="MLflow's (default: the database in --root)")
