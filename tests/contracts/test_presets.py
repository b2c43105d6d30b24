"""Every preset: loads from anywhere, is complete, and comes back from --dry-run as the same run."""

import pytest
import torch
from pydantic import BaseModel

from orchestrator.config.experiment import Experiment, load_experiment, to_yaml
from orchestrator.config.files import FOLDER, PRESETS, SWEEPS, read_source, read_yaml
from search_space.cost import parameters
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.networks.generator import derived_generator
from search_space.zoo.published import find_genotype


def missing(value: BaseModel, prefix: str = "") -> list[str]:
    """Dotted names of all options that took their default because the file does not give them."""
    absent = [f"{prefix}{name}" for name in set(type(value).model_fields) - value.model_fields_set]
    for name in type(value).model_fields:
        if isinstance(inner := getattr(value, name), BaseModel):
            absent += missing(inner, f"{prefix}{name}.")
    return absent


def test_every_file_is_a_preset_and_every_preset_a_file():
    assert sorted((*PRESETS, *SWEEPS)) == sorted(file.stem for file in FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("name", PRESETS)
def test_nothing_is_left_to_a_default(name):
    assert missing(Experiment.model_validate(read_source(name))) == []


@pytest.mark.parametrize("name", PRESETS)
def test_what_dry_run_prints_is_the_same_run(name):
    experiment = load_experiment(name)
    assert Experiment.model_validate(read_yaml(to_yaml(experiment), "text")) == experiment


@pytest.mark.parametrize("name", PRESETS)
def test_it_loads_by_name_from_any_folder(name, tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()  # a folder of the user's own is not in the way
    (tmp_path / "configs" / f"{name}.yaml").write_text("seed: 1")
    monkeypatch.chdir(tmp_path)
    assert load_experiment(name).root == tmp_path / "runs"


@pytest.mark.parametrize("name", PRESETS)
def test_evaluations_fall_on_reports(name):
    experiment = load_experiment(name)
    for stage in (experiment.search, experiment.retrain):
        assert stage.evaluation.every % stage.report_every == 0


@pytest.mark.parametrize("name", PRESETS)
def test_one_and_two_workers_can_share_it(name):
    for workers in ("0", "1", "2"):
        load_experiment(name, {"cluster.num_workers": workers})


def test_cifar10_has_the_released_values():
    search, retrain = load_experiment("cifar10").search, load_experiment("cifar10").retrain
    assert (search.steps, search.n_critic, search.steps // search.n_critic) == (10_000, 5, 2_000)
    assert (search.batch_size, search.generator_batch_size) == (120, 120)
    assert (search.generator.channels, search.discriminator.channels) == (160, 80)
    assert (search.strategy.tau_start, search.strategy.tau_end, search.ema_decay) == (5, 0.1, 0.999)
    for adam in (search.strategy.alpha_optimizer, search.strategy.beta_optimizer):
        assert (adam.lr, adam.betas, adam.weight_decay) == (3e-4, (0.5, 0.999), 1e-4)
    assert (retrain.steps, retrain.n_critic, retrain.steps // retrain.n_critic) == (750_000, 5, 150_000)
    assert (retrain.batch_size, retrain.generator_batch_size) == (40, 80)
    assert (retrain.generator.channels, retrain.discriminator.channels) == (256, 128)
    assert (retrain.lr_decay, retrain.clip_gradient_norm, retrain.ema_decay) == ("none", None, 0.999)
    for stage in (search, retrain):
        for adam in (stage.generator_optimizer, stage.discriminator_optimizer):
            assert (adam.lr, adam.betas, adam.weight_decay) == (2e-4, (0, 0.9), 0)
        assert (stage.evaluation.samples, stage.evaluation.metrics) == (50_000, ("fid", "is"))


def test_stl10_has_the_released_values_and_clips():
    retrain = load_experiment("stl10").retrain
    assert (retrain.steps, round(retrain.steps / retrain.n_critic, -2)) == (492_600, 98_500)
    assert (retrain.batch_size, retrain.generator_batch_size) == (128, 256)
    assert (retrain.generator.channels, retrain.discriminator.channels) == (270, 128)
    assert (retrain.generator.latent_dim, retrain.generator.latent_parts) == (120, 2)
    assert retrain.generator.image_size == 48
    assert retrain.clip_gradient_norm == 50


def test_mmd_has_the_published_retraining_and_the_search_of_cifar10():
    experiment, plain = load_experiment("cifar10_mmd"), load_experiment("cifar10")
    retrain, loss = experiment.retrain, experiment.retrain.loss
    assert (loss.name, loss.lower_bound, loss.upper_bound, loss.upper_limit) == ("mmd", 0.25, 4, 32)
    assert (loss.patience * retrain.evaluation.every, loss.kick) == (6 * 5 * (50_000 // 128), 0)
    assert (retrain.steps, retrain.n_critic) == (500 * (50_000 // 128), 1)
    assert (retrain.batch_size, retrain.generator_batch_size) == (128, 128)
    assert (retrain.generator.channels, retrain.discriminator.channels) == (256, 512)
    for adam in (retrain.generator_optimizer, retrain.discriminator_optimizer):
        assert (adam.lr, adam.betas, adam.weight_decay) == (2e-4, (0, 0.9), 0)
    assert (experiment.search, experiment.data) == (plain.search, plain.data)


def test_the_networks_of_mmd_have_the_published_sizes():
    retrain = load_experiment("cifar10_mmd").retrain
    genotype = find_genotype(retrain.genotype)
    with torch.device("meta"):
        generator = derived_generator(retrain.generator, genotype)
        discriminator = FixedDiscriminator(retrain.discriminator, retrain.loss.outputs)
    assert (parameters(generator), parameters(discriminator)) == (20_185_859, 16_805_888)


def test_official_differs_from_cifar10_in_the_quirks_alone():
    right, official = (load_experiment(name).model_dump() for name in ("cifar10", "cifar10_official"))
    quirks = {
        "relaxation": "gumbel_of_probabilities",
        "sample_per_forward": True,
        "mask_image_edges": False,
        "continue_from_ema": True,
        "noise_per_batch": True,
    }
    search = {
        **right["search"],
        "strategy": {**right["search"]["strategy"], **quirks},
        "initialisation": "released",
        "evaluation": {**right["search"]["evaluation"], "batch_size": 100},
    }
    retrain = {**right["retrain"], "initialisation": "released", "separate_forwards": True}
    assert official == {**right, "search": search, "retrain": retrain}
