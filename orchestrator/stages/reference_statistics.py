"""`advnas evaluate stats` and `selfcheck`: statistics and scores of the real images themselves."""

from pathlib import Path

from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment
from orchestrator.console.console import Console
from orchestrator.stages.results import SelfChecked, StatisticsFile
from search_space.errors import UserError
from trainers.compute import device_for
from trainers.datasets.config import Cifar10Config
from trainers.datasets.registry import load_images
from trainers.metrics.errors import ScoreError
from trainers.metrics.score_images import check_cifar10, write_statistics


def export_statistics(experiment: Experiment, console: Console, out: str | None = None) -> StatisticsFile:
    """Write mu and sigma of the configured images as `retrain.evaluation.extractor` sees them.

    Raises:
        UserError: the images or the extractor cannot be had, or the file cannot be written.
    """
    evaluation, cache = experiment.retrain.evaluation, experiment.folder / "cache"
    images = load_images(experiment.data, cache)
    name = f"statistics-{experiment.data.name}-{images.content_hash}-{evaluation.extractor_name}.npz"
    file = Path(out) if out else experiment.folder / name
    if file.suffix != ".npz":
        raise UserError(f"--out {file}: statistics are .npz files; give it that suffix")
    console.say(f"{len(images)} images of {experiment.data.name}, seen by {evaluation.extractor_name}")
    try:
        write_statistics(file, images, evaluation, cache, device_for(experiment.cluster.use_gpu))
    except OSError as error:
        raise UserError(f"--out {file}: {error.strerror}; name a file that can be written") from error
    return StatisticsFile(file, len(images), images.content_hash, evaluation.extractor_name)


def self_check(experiment: Experiment, console: Console) -> SelfChecked:
    """Score CIFAR-10's real images and compare with what is known of them.

    Raises:
        UserError: the images or the weights of Inception cannot be had.
        ScoreError: the scores are not the known ones.
    """
    if not isinstance(experiment.data, Cifar10Config):
        raise ConfigError(
            f"data.name = {experiment.data.name}: known scores are CIFAR-10's; use --data.name cifar10"
        )
    cache, data = experiment.folder / "cache", experiment.data
    train, test = (
        load_images(Cifar10Config(root=data.root, download=data.download, split=split), cache)
        for split in ("train", "test")
    )
    console.say("self-check: 60,000 real images")
    evaluation, device = experiment.retrain.evaluation, device_for(experiment.cluster.use_gpu)
    checks = check_cifar10(train, test, evaluation, cache, device)
    for check in checks:
        known = f"{check.known.value} +- {check.known.tolerance}"
        console.say(f"{check.name}: {check.found:.4f}, known {known}")
    if wrong := [check.name for check in checks if not check.passed]:
        raise ScoreError(
            f"self-check: {', '.join(wrong)} not as known: scores made here do not compare with published"
        )
    return SelfChecked({check.name: check.found for check in checks})
