"""The public functions do what the commands do."""

import json
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

import advnas
from orchestrator.__main__ import main
from orchestrator.config.experiment import default_tracking_uri
from tests.orchestrator.trained import save_trained, write_config

CONFIG = {"name": "mine"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the pipeline `mine`; its configuration is beside it."""
    folder = tmp_path_factory.mktemp("api")
    write_config(folder / "small.yaml", folder / "runs")
    advnas.pipeline(folder / "small.yaml", CONFIG, progress=False)
    return folder / "runs"


def test_every_public_name_exists_and_is_described():
    assert set(advnas.__all__) == set(dir(advnas))
    for name in advnas.__all__:
        value = getattr(advnas, name)
        assert name == "__version__" or value.__doc__
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        _ = advnas.serach


def test_overrides_are_values_or_the_command_lines_texts():
    overrides = {
        "search.steps": 20, "search.evaluation.metrics": ["fd"], "root": Path("/elsewhere"), "name": "007",
        "search.strategy.tau_end": "1e-2", "tracking.model": None, "search.strategy.sample_per_forward": True,
    }  # fmt: skip
    experiment = advnas.load_config("digits_adversarial", overrides)
    assert experiment.search.steps == 20
    assert experiment.search.evaluation.metrics == ("fd",)
    assert experiment.root == Path("/elsewhere")
    assert experiment.name == "007"
    assert experiment.tracking.model is None
    dumped = experiment.model_dump()["search"]["strategy"]
    assert dumped["tau_end"] == 0.01
    assert dumped["sample_per_forward"] is True
    assert advnas.load_config(experiment, {"seed": 3}).seed == 3
    with pytest.raises(advnas.UserError, match="did you mean"):
        advnas.load_config("digits", {"search.stepz": 20})


def test_a_pipeline_gives_genotypes_generator_and_scores(runs: Path):
    generator = advnas.load_generator("mine", runs)
    assert advnas.load_genotype("mine", root=runs) == generator.genotype
    assert advnas.load_genotype("mine", "discriminator", runs).network == "discriminator"
    again = advnas.evaluate(runs.parent / "small.yaml", {"name": "mine"}, progress=False)
    recorded = json.loads(next(runs.glob("mine/*/evaluate/result.json")).read_text())
    assert again.metrics == pytest.approx(recorded["metrics"])


def test_searching_selecting_and_retraining_one_after_another(runs: Path):
    config = advnas.load_config(runs.parent / "small.yaml", {"name": "steps"})
    searched = advnas.search(config, progress=False)
    selected = advnas.select(config, {"select.rungs": [3], "select.random": 1}, progress=False)
    retrained = advnas.retrain(config, {"seed": 1}, progress=False)
    assert searched.trained.step == retrained.trained.step == 3
    found = {advnas.load_genotype("steps", root=runs)}
    assert found == {each.genotype for each in selected.genotypes.values()}
    assert retrained.generator.is_file()


def test_comparisons_and_curves_are_tables(runs: Path):
    table = advnas.compare("mine", "adversarialnas", root=runs)
    assert list(table["name"]) == ["mine", "adversarialnas"]
    assert table["parameters"][1] == 8_846_851  # as published
    recorded = json.loads((runs / "mine" / "result.json").read_text())["metrics"]["fd_digits"]
    curve = advnas.curves("mine", runs).query("stage == 'retrain' and metric == 'loss_generator'")
    assert list(curve["step"]) == [1, 2, 3]
    pipeline = advnas.curves("mine", runs).query("stage == 'pipeline' and metric == 'fd_digits'")
    assert list(pipeline["value"]) == pytest.approx([recorded])
    with pytest.raises(advnas.UserError, match="no run of this name"):
        advnas.curves("nobody", runs)
    with pytest.raises(advnas.UserError, match="no runs here"):
        advnas.curves("mine", runs / "nowhere")


def test_curves_are_in_the_order_of_their_steps(tmp_path: Path):
    client = MlflowClient(default_tracking_uri(tmp_path))
    experiment = client.create_experiment("advnas")
    run = client.create_run(experiment, tags={"advnas.id": "late", "advnas.stage": "retrain"})
    for step in (500, 1000, 250):
        client.log_metric(run.info.run_id, "fd_digits", step / 10, step=step)
    curve = advnas.curves("late", tmp_path)
    assert list(curve["step"]) == [250, 500, 1000]
    assert list(curve["value"]) == [25, 50, 100]


def test_images_are_those_of_the_command(tmp_path: Path):
    file = save_trained(tmp_path / "generator.pt")
    assert (
        main(["generate", str(file), "--out", str(tmp_path / "images.npz"), "--count", "70", "--seed", "5"])
        == 0
    )
    [images] = np.load(tmp_path / "images.npz").values()
    assert np.array_equal(advnas.generate(advnas.load_generator(file), count=70, seed=5), images)


def test_networks_have_the_published_sizes():
    generator = advnas.build_generator("autogan_b")
    assert sum(each.numel() for each in generator.parameters()) == 4_471_043
    assert advnas.generate(generator, count=2).shape == (2, 32, 32, 3)
    assert advnas.build_generator("adversarialnas", 4, image_size=48).config.image_size == 48
    discriminator = advnas.build_discriminator("eagan_cifar10")
    assert sum(each.numel() for each in discriminator.parameters()) == 906_240
    assert advnas.build_discriminator(channels=8, image_channels=1) is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: advnas.load_genotype("autogan_z"), "unknown genotype 'autogan_z'"),
        (lambda: advnas.build_generator("eagan_cifar10"), "discriminator's genotype"),
        (lambda: advnas.build_discriminator("autogan_a"), "generator's genotype"),
        (lambda: advnas.build_generator("autogan_a", image_size=30), "multiple of 8"),
        (lambda: advnas.build_generator("autogan_a", channels=0), "channels: Input should be greater than 0"),
        (lambda: advnas.load_generator("nobody"), "no trained generator of that name"),
        (lambda: advnas.load_config("digitz"), "digits"),
    ],
)
def test_mistakes_are_one_line(wrong, said: str):
    with pytest.raises(advnas.UserError, match=said) as raised:
        wrong()
    assert "\n" not in str(raised.value)
