"""What `advnas generate` and `advnas export` do."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.artifacts.generators import TrainedGenerator, find_generator
from orchestrator.cli.run import Result, as_json, result_lines
from orchestrator.config.experiment import default_tracking_uri
from trainers.compute import device_for


def run(arguments: argparse.Namespace) -> None:
    """Find the generator, do the command, print what came out.

    Raises:
        UserError: no such generator, or a file that cannot be written.
    """
    root = Path(arguments.root).absolute()
    uri = arguments.tracking_uri or default_tracking_uri(root)
    found = find_generator(arguments.source, root, uri, arguments.genotype)
    result = COMMANDS[arguments.command](found, arguments)
    print(as_json(result) if arguments.json else "\n".join(result_lines(result)))


def generate(found: TrainedGenerator, arguments: argparse.Namespace) -> Result:
    """Write images."""
    from orchestrator.artifacts.image_files import write_images
    from trainers.samples import generated

    device = device_for(arguments.gpu, "--gpu")
    network, count, seed = found.network.to(device), arguments.count, arguments.seed
    latent_dim = found.network.config.latent_dim
    batches = generated(network, latent_dim, count, seed, arguments.batch_size, device)
    path = Path(arguments.out)
    write_images(path, batches)
    return {"images": path, "count": count, "seed": seed, "genotype": found.genotype.content_hash}


def export(found: TrainedGenerator, arguments: argparse.Namespace) -> Result:
    """Write the network alone, and beside it how to call it."""
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


COMMANDS: Mapping[str, Callable[[TrainedGenerator, argparse.Namespace], Result]] = {
    "generate": generate,
    "export": export,
}
