"""A trained generator as one file: its width, its genotype, its weights; loaded without running code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import ImageGenerator, derived_generator

FORMAT_VERSION = 1


class GeneratorFileError(UserError):
    """A file that holds no generator of ours."""


def save_generator(
    file: Path | BinaryIO, config: GeneratorConfig, genotype: Genotype, state: Mapping[str, Tensor]
) -> None:
    """Write a derived generator."""
    content = {
        "format_version": FORMAT_VERSION,
        "generator": config.model_dump(mode="json"),
        "genotype": genotype.to_json(),
        "state": dict(state),
    }
    torch.save(content, file)


def load_generator(path: Path) -> tuple[ImageGenerator, Genotype]:
    """The generator in evaluation mode, and its genotype.

    Raises:
        GeneratorFileError: missing, damaged or of something else.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if content["format_version"] != FORMAT_VERSION:
            raise ValueError("of another version")
        genotype = Genotype.from_json(content["genotype"])
        generator = derived_generator(GeneratorConfig(**content["generator"]), genotype)
        generator.load_state_dict(content["state"])
    except OSError as error:
        raise GeneratorFileError(
            f"{path}: {error.strerror or error}; name a generator.pt that `advnas retrain` has left"
        ) from error
    except Exception as error:  # torch's unpickler raises nearly everything on damaged files
        raise GeneratorFileError(f"{path}: holds no generator saved by advnas retrain") from error
    return generator.eval(), genotype
