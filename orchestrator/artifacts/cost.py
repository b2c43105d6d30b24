"""The cost of a genotype's network at given widths: parameters, multiply-adds, latency."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from search_space.cost import cost, multiply_adds, parameters
from search_space.errors import UserError
from search_space.genotype import Genotype, build
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.generator import derived_generator
from search_space.sampling import count_parameters
from search_space.spaces.registry import find_space

CHANNELS = {"generator": 256, "discriminator": 128}
"""When retrained on CIFAR-10, as published."""


def network_cost(
    genotype: Genotype,
    channels: int | None,
    bottom_width: int | None,
    latent_parts: int | None,
    image_channels: int | None = None,
    latent_dim: int | None = None,
) -> dict[str, Any]:
    """Widths, parameters, multiply-adds and seconds; a width of None is that published for CIFAR-10.

    Raises:
        UserError: widths that fit no network.
    """
    config = _config(genotype, channels, bottom_width or 4, latent_parts, image_channels or 3, latent_dim)
    network, inputs = _network(genotype, config)
    of_d = {name: getattr(config, name) for name in ("channels", "image_size", "image_channels")}
    return {
        "widths": config.model_dump() if genotype.network == "generator" else of_d,
        **asdict(cost(network, inputs)),
        "threads": torch.get_num_threads(),
    }


def published_parameters(genotype: Genotype) -> int:
    """At the widths published for CIFAR-10; nothing is computed with the network."""
    with torch.device("meta"):
        return parameters(_network(genotype, _config(genotype, None, 4, None))[0])


def generator_parameters(config: GeneratorConfig, genotype: Genotype) -> int:
    """Numbers that are trained; no network is built."""
    return count_parameters(genotype, config)


def generator_cost(config: GeneratorConfig, genotype: Genotype, timed: bool) -> dict[str, float]:
    """Parameters and multiply-adds; seconds for an image too if `timed`, else nothing is computed."""
    if timed:
        return asdict(cost(derived_generator(config, genotype).eval(), torch.randn(1, config.latent_dim)))
    with torch.device("meta"):
        network = derived_generator(config, genotype).eval()
        counted = multiply_adds(network, torch.empty(1, config.latent_dim))
        return {"parameters": parameters(network), "multiply_adds": counted}


def pareto_front(points: Mapping[str, tuple[float, float]], first_is_lower: bool) -> list[str]:
    """The points that no other beats in one number without losing in the second, of which less is better."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["minimize" if first_is_lower else "maximize", "minimize"])
    study.add_trials([optuna.trial.create_trial(values=values) for values in points.values()])
    front = {trial.number for trial in study.best_trials}
    return [name for number, name in enumerate(points) if number in front]


def cost_in_words(found: Mapping[str, Any]) -> Iterator[str]:
    """For a person: four lines."""
    widths = ", ".join(f"{name} {value}" for name, value in found["widths"].items())
    yield f"with {widths}"
    yield f"  parameters     {found['parameters']:,}"
    yield f"  multiply-adds  {found['multiply_adds']:,} an image, of convolutions and linear layers"
    yield f"  latency        {found['seconds'] * 1e3:,.1f} ms an image here, threads: {found['threads']}"


def _config(
    genotype: Genotype,
    channels: int | None,
    bottom_width: int,
    latent_parts: int | None,
    image_channels: int = 3,
    latent_dim: int | None = None,
) -> GeneratorConfig:
    """The generator's widths, or those of a generator that makes images for the discriminator.

    Networks of spaces that do not cut z ignore `latent_parts`, and so does their cost.
    """
    space = find_space(genotype.space)
    try:
        return GeneratorConfig(
            channels=channels or CHANNELS[genotype.network],
            bottom_width=bottom_width,
            latent_dim=latent_dim or space.latent_dim,
            latent_parts=latent_parts if latent_parts and space.latent_parts > 1 else space.latent_parts,
            image_channels=image_channels,
        )
    except ValidationError as error:
        messages = (detail["msg"].removeprefix("Value error, ") for detail in error.errors(include_url=False))
        raise UserError("; ".join(messages)) from None


def _network(genotype: Genotype, config: GeneratorConfig) -> tuple[nn.Module, torch.Tensor]:
    """In evaluation mode, and one input."""
    if genotype.network == "generator":
        return derived_generator(config, genotype).eval(), torch.randn(1, config.latent_dim)
    widths = DiscriminatorConfig(channels=config.channels, image_channels=config.image_channels)
    discriminator = build(genotype, widths)
    return discriminator.eval(), torch.randn(1, config.image_channels, config.image_size, config.image_size)
