"""Presets of retraining, shortened to seconds: they learn, keep their best, and go on where they stopped."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from PIL import Image

from orchestrator.cluster.launch import launch
from orchestrator.config.experiment import load_experiment
from orchestrator.jobs.job import Job, Outcome
from search_space.zoo.published import PUBLISHED
from tests.orchestrator.tiny_jobs import Recorder
from tests.trainers.metrics.stand_ins import blurs
from trainers.datasets.config import DigitsConfig
from trainers.datasets.digits import load_digits


def shortened(preset: str, genotype: str, folder: Path, options: dict[str, object]) -> Job:
    """Its retraining with networks of few channels."""
    values = {name: str(value) for name, value in options.items()}
    experiment = load_experiment(preset, {"root": str(folder.parent), "retrain.n_critic": "1", **values})
    return Job("retrain", experiment, {"generator": PUBLISHED[genotype].genotype}, folder)


def finished(job: Job) -> tuple[Outcome, dict[int, float]]:
    """What came out, and the scores by step."""
    recorder = Recorder()
    outcome = launch(job, recorder)
    return outcome, {report.step: distance(report.metrics) for report in recorder.reports}


def distance(metrics: Mapping[str, float]) -> float:
    """The Frechet distance, whatever network sees the images."""
    (found,) = (value for name, value in metrics.items() if name.startswith("fd_"))
    return found


class Thumbnails(torch.nn.Module):
    """Sees 16 gray values."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Their features."""
        gray = pixels.float().mean(1, keepdim=True)
        return torch.nn.functional.adaptive_avg_pool2d(gray, (4, 4)).flatten(1)


def thumbnails(folder: Path) -> Path:
    """An extractor for images that are not digits, as a file."""
    file = folder / "thumbnails.pt"
    torch.jit.script(Thumbnails()).save(str(file))
    return file


def write_folder(pixels: torch.Tensor, folder: Path) -> Path:
    folder.mkdir()
    for number, image in enumerate(pixels.permute(0, 2, 3, 1).squeeze(-1).numpy()):
        Image.fromarray(image).save(folder / f"{number:04d}.png")
    return folder


SHORT_DIGITS = {
    "retrain.steps": 160,
    "retrain.report_every": 40,
    "retrain.batch_size": 16,
    "retrain.generator_batch_size": 16,
    "retrain.ema_decay": 0.9,  # a memory that fits so few steps
    "retrain.generator.channels": 8,
    "retrain.discriminator.channels": 8,
    "retrain.generator_optimizer.lr": 2e-3,
    "retrain.discriminator_optimizer.lr": 4e-3,
    "retrain.evaluation.every": 40,
    "retrain.evaluation.samples": 200,
    "retrain.evaluation.metrics": "[fd]",
}


@pytest.mark.parametrize("source", ["digits", "image_folder"])
def test_retraining_improves_its_score(source: str, tmp_path: Path) -> None:
    options: dict[str, object] = dict(SHORT_DIGITS)
    if source == "image_folder":
        folder = write_folder(load_digits(DigitsConfig()).pixels[:500], tmp_path / "images")
        options |= {"data.name": source, "data.root": folder}
        options |= {"search.evaluation.extractor": "efficientnet_lite0"}  # not used here
        options |= {"retrain.evaluation.extractor": thumbnails(tmp_path)}
    job = shortened("digits", "eagan", tmp_path / source, options)
    _, scores = finished(job)
    best = job.checkpoints.best()
    assert best is not None
    assert distance(best.meta.metrics) < 0.7 * scores[40]


SHORT_STL10 = {
    "data.name": "image_folder",
    "retrain.batch_size": 4,
    "retrain.generator_batch_size": 4,
    "retrain.report_every": 1,
    "retrain.generator.channels": 2,
    "retrain.discriminator.channels": 2,
    "retrain.evaluation.every": 1,
    "retrain.evaluation.samples": 10,
    "retrain.evaluation.metrics": "[fd]",
    "keep_checkpoints": 1,
}


def test_stl10_goes_on_where_it_stopped_and_keeps_its_best_at_48x48(tmp_path: Path) -> None:
    folder = write_folder(blurs(24, detail=5, size=48).pixels, tmp_path / "images")
    options = {**SHORT_STL10, "data.root": folder, "retrain.evaluation.extractor": thumbnails(tmp_path)}

    def run(name: str, steps: int) -> tuple[Job, Outcome, dict[int, float]]:
        job = shortened("stl10", "adversarialnas", tmp_path / name, {**options, "retrain.steps": steps})
        return job, *finished(job)

    run("halves", 2)
    halves, resumed, later = run("halves", 4)
    _, whole, scores = run("whole", 4)
    assert later == {3: scores[3], 4: scores[4]}
    states = [torch.load(outcome.checkpoint / "state.pt", weights_only=True) for outcome in (resumed, whole)]
    for part in ("generator", "discriminator", "ema_generator"):
        for name, value in states[0][part].items():
            assert torch.equal(value, states[1][part][name]), name
    assert states[0]["generator"]["to_image.weight"].shape[0] == 3
    best = halves.checkpoints.best()
    assert best is not None
    assert best.meta.step == min(scores, key=lambda step: scores[step])
