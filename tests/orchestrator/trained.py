"""Generators as a training leaves them, without the training."""

from pathlib import Path

import torch
import yaml
from torch import Tensor

from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import Generator
from search_space.networks.generator_file import save_generator
from search_space.zoo.interop import released_parameters
from search_space.zoo.published import PUBLISHED

CONFIG = GeneratorConfig(channels=4, bottom_width=2, image_channels=1)
GENOTYPE = PUBLISHED["eagan"].genotype

EVALUATION = {"every": 0, "samples": 32, "batch_size": 16, "metrics": ["fd", "is"], "extractor": "digits"}


def trained() -> Generator:
    """The same at every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Generator(CONFIG, GENOTYPE).eval()


def save_trained(path: Path) -> Path:
    """As `advnas retrain` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_generator(path, CONFIG, GENOTYPE, trained().state_dict())
    return path


def save_released(path: Path) -> Path:
    """As the released code does."""
    state: dict[str, Tensor] = {name: value.detach() for name, value in released_parameters(trained())}
    torch.save({"epoch": 1, "gen_state_dict": {}, "avg_gen_state_dict": state}, path)
    return path


def write_config(path: Path, root: Path, **retrain: object) -> Path:
    """A configuration of 16x16 digits and networks of 4 channels."""
    networks = {
        "generator": {"channels": 4, "bottom_width": 2, "image_channels": 1},
        "discriminator": {"channels": 4, "image_channels": 1},
    }
    short = {"steps": 3, "report_every": 1, "batch_size": 8, "generator_batch_size": 8, "n_critic": 1}
    stage = {**networks, **short, "evaluation": EVALUATION}
    document = {
        "root": str(root),
        "keep_checkpoints": 1,
        "data": {"name": "digits", "image_size": 16, "channels": 1},
        "search": stage,
        "retrain": {**stage, **retrain},
    }
    path.write_text(yaml.safe_dump(document))
    return path
