"""`advnas generate` and `advnas export`: images and files from a trained generator."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.arguments import Parser, add_json, add_root, at_least_one, at_least_zero, describe
from orchestrator.cli.commands import COMMANDS
from orchestrator.cli.stage import Result, as_json, result_lines
from orchestrator.console.exit_codes import DONE

if TYPE_CHECKING:
    from orchestrator.artifacts.generators import TrainedGenerator

EXAMPLES = {
    "generate": (
        "advnas generate mine --out grid.png",
        "advnas generate best.pth --genotype adversarialnas --out images.npz --count 50000 --gpu",
        "advnas generate my/generator.pt --out my/images --count 1000 --seed 1",
        "advnas generate mine --root s3://bucket/runs --out grid.png",
    ),
    "export": (
        "advnas export mine --out generator.onnx",
        "advnas export best.pth --genotype adversarialnas --out generator.pt2",
    ),
}


def add_arguments(parser: Parser, name: str) -> None:
    """Which generator, and what to make of it."""
    describe(parser, COMMANDS[name].about, EXAMPLES[name])
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a run, runs:/ID of MLflow, a generator.pt, or a .pth checkpoint of the released code",
    )
    parser.add_argument(
        "--genotype", help="genotype of a .pth checkpoint: a published name, a file, or a run"
    )
    if name == "generate":
        _add_images(parser)
    else:
        parser.add_argument("--out", required=True, metavar="FILE", help=".onnx or .pt2")
    add_root(parser)
    parser.add_argument(
        "--tracking-uri", metavar="URI", help="address of MLflow (default: the database in --root)"
    )
    add_json(parser)


def _add_images(parser: Parser) -> None:
    text = "a grid (.png), an array (.npz), or else a folder of PNGs"
    parser.add_argument("--out", required=True, metavar="PATH", help=text)
    parser.add_argument("--count", type=at_least_one, default=64, help="number of images (default: 64)")
    parser.add_argument("--seed", type=at_least_zero, default=0, help="seed of the latents (default: 0)")
    parser.add_argument(
        "--batch-size",
        type=at_least_one,
        default=64,
        help="images per batch; it changes the speed only (default: 64)",
    )
    parser.add_argument("--gpu", action="store_true", help="compute on a GPU")


def run(arguments: argparse.Namespace) -> int:
    """Find the generator, do the command, print the result.

    Raises:
        UserError: no such generator, or a file that cannot be written.
    """
    from orchestrator.artifacts.generators import find_generator
    from orchestrator.artifacts.stored_root import readable_root
    from orchestrator.config.experiment import default_tracking_uri

    with readable_root(arguments.root, (arguments.source, arguments.genotype)) as root:
        uri = arguments.tracking_uri or default_tracking_uri(root)
        found = find_generator(arguments.source, root, uri, arguments.genotype)
    result = ACTIONS[arguments.command](found, arguments)
    print(as_json(result) if arguments.json else "\n".join(result_lines(result)))
    return DONE


def generate(found: "TrainedGenerator", arguments: argparse.Namespace) -> Result:
    """Write images."""
    from orchestrator.artifacts.image_files import write_images
    from trainers.compute import device_for
    from trainers.samples import generated

    device = device_for(arguments.gpu, "--gpu")
    network, count, seed = found.network.to(device), arguments.count, arguments.seed
    latent_dim = found.network.config.latent_dim
    batches = generated(network, latent_dim, count, seed, arguments.batch_size, device)
    path = Path(arguments.out)
    write_images(path, batches)
    return {"images": path, "count": count, "seed": seed, "genotype": found.genotype.content_hash}


def export(found: "TrainedGenerator", arguments: argparse.Namespace) -> Result:
    """Write the network alone, with a file beside it that says how to call it."""
    from orchestrator.artifacts.export import export_generator

    path = Path(arguments.out)
    exported = export_generator(found.network, found.genotype, path)
    return {
        "file": path,
        "card": exported.card,
        "largest_difference": exported.difference,
        "call": exported.call,
        "genotype": found.genotype.content_hash,
    }


ACTIONS: Mapping[str, Callable[["TrainedGenerator", argparse.Namespace], Result]] = {
    "generate": generate,
    "export": export,
}
