"""Where a configuration says `auto`, networks take the shape of the images."""

from pathlib import Path

import numpy as np
import pytest

from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment, load_experiment
from tests.trainers.datasets.sources import encoded, noise


def shapes(experiment: Experiment) -> set[tuple[int, int]]:
    """Size and channels of the images that each network makes or takes."""
    generators = {
        (stage.generator.image_size, stage.generator.image_channels)
        for stage in (experiment.search, experiment.retrain)
    }
    size = experiment.data.image_size
    return generators | {
        (size, stage.discriminator.image_channels) for stage in (experiment.search, experiment.retrain)
    }


def folder(root: Path, image: np.ndarray) -> str:
    root.mkdir()
    (root / "a.png").write_bytes(encoded(image))
    return str(root)


@pytest.mark.parametrize("preset", ["images", "images_small"])
@pytest.mark.parametrize("size", [16, 32, 48, 64])
def test_one_option_sets_the_size_of_everything(tmp_path, preset, size):
    options = {"data.root": folder(tmp_path / "a", noise(9, 9, 3)), "data.image_size": str(size)}
    assert shapes(load_experiment(preset, options)) == {(size, 3)}


@pytest.mark.parametrize("preset", ["images", "images_small"])
def test_the_images_decide_the_channels_of_all_four_networks(tmp_path, preset):
    grey = load_experiment(preset, {"data.root": folder(tmp_path / "grey", noise(9, 9))})
    assert grey.data.channels == 1
    assert shapes(grey) == {(32, 1)}
    colour = load_experiment(preset, {"data.root": folder(tmp_path / "colour", noise(9, 9, 3))})
    assert colour.data.channels == 3
    assert shapes(colour) == {(32, 3)}


def test_what_is_said_is_not_looked_up(tmp_path):
    options = {"data.root": folder(tmp_path / "grey", noise(9, 9)), "data.channels": "3"}
    assert shapes(load_experiment("images", options)) == {(32, 3)}


def test_other_data_sets_have_their_own_channels(tmp_path):
    assert shapes(load_experiment("images", {"data.name": "digits"})) == {(32, 1)}
    parquet = {"data.name": "parquet", "data.path": str(tmp_path / "a.parquet")}
    assert shapes(load_experiment("images", parquet)) == {(32, 3)}


def test_a_size_that_no_generator_makes_is_one_line(tmp_path):
    with pytest.raises(ConfigError) as refused:
        load_experiment("images", {"data.root": str(tmp_path), "data.image_size": "30"})
    assert str(refused.value) == "data.image_size = 30: must be a multiple of 8 from 16 on; use 24"


def test_a_folder_that_is_not_there_is_left_to_the_machine_that_reads_it(tmp_path):
    assert shapes(load_experiment("images", {"data.root": str(tmp_path / "nowhere")})) == {(32, 3)}


def test_a_misspelt_auto_is_a_mistake(tmp_path):
    with pytest.raises(ConfigError, match=r"retrain.generator.bottom_width = \"automatic\": must be a whole"):
        load_experiment("images", {"data.root": str(tmp_path), "retrain.generator.bottom_width": "automatic"})
