"""Before a run begins, a user's own images are described, shown, and counted."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orchestrator.config.experiment import Experiment, load_experiment
from orchestrator.console.console import Console
from orchestrator.stages.preview import contact_sheet, preview
from tests.trainers.datasets.sources import encoded
from trainers.datasets.images import DataError


def of(folder: Path, count: int, **options: str) -> Experiment:
    images = folder / "images"
    images.mkdir()
    for number in range(count):
        pixels = np.full((16, 16, 4), number, np.uint8)
        pixels[:8, :, 3], pixels[8:, :, 3] = 0, 255
        (images / f"{number:03}.png").write_bytes(encoded(pixels))
    named = {name.replace("__", "."): value for name, value in options.items()}
    fixed = {"data.root": str(images), "root": str(folder / "runs"), "data.image_size": "16"}
    return load_experiment("images_small", {**fixed, **named})


def said(experiment: Experiment, folder: Path, *stages: str) -> str:
    output = io.StringIO()
    preview(experiment, folder / "run", Console(output), *stages)
    return output.getvalue()


def test_the_images_are_described_and_their_contact_sheet_shows_them_as_networks_see_them(tmp_path):
    experiment = of(tmp_path, 130)
    text = said(experiment, tmp_path, "search", "retrain")
    assert "130 images" in text
    assert "130 transparent, shown on white (data.background)" in text
    assert "64 of 130 images as networks see them" in text
    kept = contact_sheet(experiment.model_copy(update={"root": tmp_path, "name": "run"}))
    assert kept == {"images.png": (tmp_path / "run" / "images.png").read_bytes()}, "for MLflow"
    sheet = Image.open(tmp_path / "run" / "images.png")
    tile = sheet.width // 8  # eight in a row
    column = np.asarray(sheet.convert("RGB"))[:, 2 * tile + tile // 2]
    assert (column[tile // 4] == 255).all()  # transparent above
    assert np.abs(column[3 * tile // 4].astype(int) - 4).max() <= 1  # the third of 64 among 130 images


@pytest.mark.parametrize(
    ("count", "stages", "message"),
    [
        (
            2,
            ("search", "retrain"),
            "2 images in {}, but search.batch_size is 32 and retrain.batch_size is 16 and"
            " retrain.evaluation.kd_subset_size is 100; add images (a GAN needs hundreds), or use"
            " --search.batch_size 2 --retrain.batch_size 2 --retrain.evaluation.kd_subset_size 2",
        ),
        (
            1,
            ("search",),
            "1 image in {}, but search.batch_size is 32; add images (a GAN needs hundreds), at least 32",
        ),
        (
            51,
            ("retrain",),
            "51 images in {}, but retrain.evaluation.kd_subset_size is 100; add images (a GAN needs"
            " hundreds), or use --retrain.evaluation.kd_subset_size 50",
        ),
    ],
)
def test_too_few_images_are_one_line_with_the_cure(tmp_path, count, stages, message):
    with pytest.raises(DataError) as refused:
        said(of(tmp_path, count), tmp_path, *stages)
    assert str(refused.value) == "data.root: " + message.format(tmp_path / "images")
    assert not (tmp_path / "run").exists()


def test_a_known_data_set_needs_no_description(tmp_path):
    assert said(load_experiment("digits"), tmp_path, "search") == ""


def test_a_folder_that_is_not_there_is_refused_here_and_left_to_the_workers_of_a_cluster(tmp_path):
    nowhere = {"data.root": str(tmp_path / "nowhere"), "root": str(tmp_path / "runs")}
    with pytest.raises(DataError, match=r"nowhere does not exist; give --data.root FOLDER"):
        said(load_experiment("images_small", nowhere), tmp_path, "search")
    on_a_cluster = load_experiment("images_small", {**nowhere, "cluster.address": "auto"})
    assert said(on_a_cluster, tmp_path, "search") == ""
