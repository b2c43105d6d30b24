"""Released checkpoints become generators without being told their widths; other genotypes are refused."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import Generator
from search_space.zoo.interop import CheckpointError, released_parameters
from search_space.zoo.released_generator import load_released_generator, released_config

ROWS = [[1, 1, 1, 0, 3, 3, 1], [1, 2, 0, 1, 3, 5, 3], [0, 1, 0, 3, 3, 0, 6]]
GENOTYPE = Genotype.from_rows("generator", ROWS)


def state_of(generator: Generator) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in released_parameters(generator)}


def saved(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save({"avg_gen_state_dict": state}, path)
    return path


@pytest.mark.parametrize(
    "config",
    [
        GeneratorConfig(channels=2, latent_dim=6, bottom_width=2),
        GeneratorConfig(channels=3, latent_dim=8, latent_parts=2, bottom_width=6, image_channels=1),
        GeneratorConfig(channels=5, latent_dim=4, latent_parts=1, bottom_width=3),
    ],
)
def test_widths_are_read_off_the_parameters(config: GeneratorConfig, tmp_path: Path) -> None:
    original = Generator(config, GENOTYPE).eval()
    state = {f"module.{name}": value for name, value in state_of(original).items()}
    assert released_config(state) == config
    loaded = load_released_generator(saved(tmp_path / "best.pth", state), GENOTYPE).generator
    z = torch.randn(3, config.latent_dim)
    assert not loaded.training
    assert torch.equal(loaded(z), original(z))


@pytest.mark.parametrize(
    ("row", "edge", "primitive", "message"),
    [
        (0, 4, 1, "holds cell1.c2.ops.0.conv.bias, which the genotype does not have"),  # skip for conv_3x3
        (0, 2, 3, "the checkpoint lacks cell1.c0.ops.0.conv.weight"),  # conv_3x3 for skip
        (0, 4, 4, "cell1.c2.ops.0.conv.weight has 36 values where the network has 100"),
    ],
)
def test_another_genotype_is_refused(
    row: int, edge: int, primitive: int, message: str, tmp_path: Path
) -> None:
    original = Generator(GeneratorConfig(channels=2, latent_dim=6, bottom_width=2), GENOTYPE)
    file = saved(tmp_path / "best.pth", state_of(original))
    rows = [list(other) for other in ROWS]
    rows[row][edge] = primitive
    with pytest.raises(CheckpointError) as caught:
        load_released_generator(file, Genotype.from_rows("generator", rows))
    assert str(caught.value).startswith(f"{file}: {message}")
    assert "\n" not in str(caught.value)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "other.pth", {"block1.c1.weight": torch.zeros(2, 3, 3, 3)})
    with pytest.raises(CheckpointError, match=r"other\.pth: holds no generator of the released code"):
        load_released_generator(file, GENOTYPE)
