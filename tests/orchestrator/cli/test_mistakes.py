"""What the user reads for each kind of mistake in a configuration: the name, the value, the cure."""
# ruff: noqa: E501  a line here is a line on the terminal

from collections.abc import Iterable
from dataclasses import replace

import pytest

from orchestrator.__main__ import main
from orchestrator.config.errors import ConfigError, unknown_name
from orchestrator.config.experiment import experiment_of
from orchestrator.config.files import read_source
from search_space.spaces.registry import SPACES
from trainers.datasets.registry import DATASETS
from trainers.losses.registry import LOSSES
from trainers.strategies.registry import STRATEGIES

NEITHER = "give digits, digits_adversarial, images_small, images, cifar10, cifar10_official, cifar10_mmd, stl10 or a .yaml file"


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


OPTIONS = [
    ("search.batch_size", "7", "search.batch_size = 7: has no equal halves; use an even number"),
    ("search.batch_size", "0", "search.batch_size = 0: must be greater than 0"),
    ("search.batch_size", "many", 'search.batch_size = "many": must be a whole number'),
    ("search.steps", "1.5", "search.steps = 1.5: must be a whole number"),
    ("search.steps", "[1", "search.steps = [1: not a YAML value; lists need brackets, and quotes around"),
    ("search.stepz", "7", "search.stepz = 7: unknown name; did you mean search.steps?"),
    ("search.batch-size", "8", "search.batch-size = 8: unknown name; did you mean search.batch_size?"),
    ("steps", "7", "steps = 7: unknown name; did you mean search.steps or evolve.steps or retrain.steps?"),
    ("search.steps.more", "1", "search.steps.more = 1: unknown name; did you mean search.steps?"),
    ("zzz", "1", "zzz = 1: unknown name; --dry-run shows all names"),
    ("search", "4", "search = 4: must be a section of names and values"),
    ("search.strategy.relaxation", "soft", "search.strategy.relaxation = \"soft\": must be 'softmax', 'gumbel', 'gumbel_of_probabilities' or 'hard'"),
    ("search.strategy", "annealing", f'search.strategy.name = "annealing": must be one of {quoted(STRATEGIES)}'),
    ("search.loss", "wasserstein", f'search.loss.name = "wasserstein": must be one of {quoted(LOSSES)}'),
    ("retrain.loss", "wasserstein", f'retrain.loss.name = "wasserstein": must be one of {quoted(LOSSES)}'),
    ("search.space", "nowhere", f'search.space = "nowhere": must be one of {", ".join(SPACES)}'),
    ("search.ema_decay", "1", "search.ema_decay = 1: must be less than 1"),
    ("search.ema_decay", ".nan", "search.ema_decay = NaN: must be a finite number"),
    ("search.strategy.alpha_optimizer.lr", "-1", "search.strategy.alpha_optimizer.lr = -1: must be greater than 0"),
    ("search.strategy.alpha_optimizer.betas", "0.9", "search.strategy.alpha_optimizer.betas = 0.9: must be a list, in brackets"),
    ("search.generator.latent_dim", "7", "search.generator.latent_dim = 7: cannot be cut into 3 equal latent_parts"),
    ("search.generator.latent_parts", "4", "search.generator.latent_parts = 4: there are 3 cells to feed; use 1 to 3"),
    ("search.generator.channels", "null", "search.generator.channels = null: must be a whole number"),
    ("search.evaluation.metrics", "[fd, fud]", "search.evaluation.metrics.1 = \"fud\": must be 'fid', 'fd', 'is', 'kid', 'kd', 'precision_recall' or 'gap'"),
    ("search.evaluation.extractor", "eyes", "search.evaluation.extractor = \"eyes\": unknown 'eyes'; known: inception, digits, dinov2, efficientnet_lite0, or a .pt or .pt2 file"),
    ("data.name", "cifar", f'data.name = "cifar": must be one of {quoted(DATASETS)}'),
    ("data.name", "cifar10", "data.root: missing; give it a value"),
    ("data", "{image_size: 16}", "data.name: missing; give it a value"),
    ("data.image_size", "20", "data.image_size = 20: must be a multiple of 8 from 16 on; use 16"),
    ("data.image_size", "big", 'data.image_size = "big": must be a whole number'),
    ("data.channels", "2", "data.channels = 2: must be 1 or 3"),
    ("search.generator.bottom_width", "3", "search.generator.bottom_width = 3: makes images of 24x24, those of data are 16x16; use 2"),
    ("retrain.discriminator.image_channels", "3", "retrain.discriminator.image_channels = 3: data.channels is 1; use 1"),
    ("retrain.discriminator.architecture", "none", "retrain.discriminator.architecture = \"none\": must be one of fixed, derived, adversarialnas_discriminator, autogan_d, eagan_cifar10, eagan_stl10, or a .json or .npy file"),
    ("compute.compile", "2", "compute.compile = 2: must be true or false"),
    ("cluster.num_workers", "-1", "cluster.num_workers = -1: must be greater than or equal to 0"),
    ("cluster.min_workers", "0", "cluster.min_workers = 0: must be greater than 0"),
    ("cluster.min_workers", "1", "cluster.min_workers = 1: there are no workers; set num_workers to how many there are at most"),
    ("cluster.address", "there", 'cluster.address = "there": must be local (starts a Ray of its own), auto, host:port or ray://host:port'),
    ("seed", "null", "seed = null: must be a whole number"),
    ("name", "a/b", 'name = "a/b": must be up to 100 letters, digits, dots, dashes and underscores, as it names folders'),
    ("name", "..", 'name = "..": must be up to 100 letters, digits, dots, dashes and underscores, as it names folders'),
    ("keep_checkpoints", "0", "keep_checkpoints = 0: must be greater than 0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "message"), OPTIONS, ids=[f"{n}={t}" for n, t, _ in OPTIONS])
def test_a_wrong_option_is_one_line(name, text, message):
    with pytest.raises(ConfigError) as mistake:
        experiment_of(read_source("digits_adversarial"), {name: text})
    assert str(mistake.value) == message


@pytest.mark.parametrize("option", ["search.strategy", "search.space", "search.loss"])
def test_an_unknown_part_of_a_search_ends_the_command_line_with_one_line(option, capfd):
    assert main(["search", "digits_adversarial", f"--{option}", "nonsense", "--dry-run"]) == 2
    said = capfd.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith(f"advnas: {option}")
    assert ' = "nonsense": must be one of ' in said.err


def test_a_strategy_that_cannot_search_the_space_is_told_with_those_that_can(monkeypatch):
    known = SPACES["adversarialnas"]
    monkeypatch.setitem(SPACES, "hard", replace(known, name="hard", has_mixtures=False))
    with pytest.raises(ConfigError) as mistake:
        experiment_of(read_source("digits_adversarial"), {"search.space": "hard"})
    assert str(mistake.value) == (
        'search.strategy.name = "adversarial": the supernet of the space hard computes single paths, no mixtures; '
        f"use {' or '.join(name for name, strategy in STRATEGIES.items() if not strategy.needs_mixtures)}"
    )


def test_every_batch_that_workers_cannot_share_gets_its_line():
    with pytest.raises(ConfigError) as mistake:
        experiment_of(read_source("digits"), {"cluster.num_workers": "3"})
    assert str(mistake.value).splitlines() == [
        "search.batch_size = 32: does not divide among 3 workers, each of whom halves its share; use 30 or 36",
        "search.generator_batch_size = 32: does not divide among 3 workers, in equal shares; use 30 or 33",
        "retrain.batch_size = 16: does not divide among 3 workers, in equal shares; use 15 or 18",
        "retrain.generator_batch_size = 16: does not divide among 3 workers, in equal shares; use 15 or 18",
    ]


def test_a_batch_smaller_than_the_workers_is_told_the_smallest_that_fits():
    document = read_source("digits")
    with pytest.raises(ConfigError) as mistake:
        experiment_of(document, {"retrain.batch_size": "2", "cluster.num_workers": "4"})
    assert str(mistake.value) == (
        "retrain.batch_size = 2: does not divide among 4 workers, in equal shares; use 4"
    )


@pytest.mark.parametrize(("fewest", "cure"), [("3", 1), ("6", 2), ("16", 8)])
def test_fewer_workers_must_have_whole_shares(fewest, cure):
    with pytest.raises(ConfigError) as mistake:
        experiment_of(read_source("digits"), {"cluster.num_workers": "8", "cluster.min_workers": fewest})
    assert str(mistake.value) == (
        f"cluster.min_workers = {fewest}: must divide num_workers = 8, as each computes whole shares of a batch; "
        f"use {cure} or another divisor"
    )


def test_missing_keys_and_unknown_ones_of_a_file_are_all_named():
    document = read_source("digits")
    del document["search"]["generator"]["channels"]
    del document["data"]
    document["retrain"]["chanels"] = 3
    with pytest.raises(ConfigError) as mistake:
        experiment_of(document, {})
    assert str(mistake.value).splitlines() == [
        "data: missing; give it a value",
        "search.generator.channels: missing; give it a value",
        "retrain.chanels = 3: unknown name; did you mean retrain.generator.channels or retrain.discriminator.channels?",
    ]


def test_a_long_value_is_shortened():
    with pytest.raises(ConfigError) as mistake:
        experiment_of(read_source("digits"), {"compute": "x" * 500})
    assert str(mistake.value) == f'compute = "{"x" * 56}...: must be a section of names and values'


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("digit", "unknown configuration 'digit'; did you mean digits?"),
        ("lsun", f"unknown configuration 'lsun'; {NEITHER}"),
        ("nowhere.yaml", f"nowhere.yaml: No such file or directory; {NEITHER}"),
    ],
)
def test_a_configuration_that_does_not_exist_is_one_line(source, message):
    with pytest.raises(ConfigError) as mistake:
        read_source(source)
    assert str(mistake.value) == message


@pytest.mark.parametrize("content", [b"", b"- 1\n- 2\n", b"text"])
def test_a_file_of_something_else_is_told_what_it_should_be(tmp_path, content):
    file = tmp_path / "run.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as mistake:
        read_source(str(file))
    assert str(mistake.value) == (
        f"{file}: must consist of names and values, as `advnas search digits --dry-run` prints"
    )


def test_a_binary_file_is_a_mistake_too(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError) as mistake:
        read_source(str(file))
    assert str(mistake.value) == f"{file}: not UTF-8 text; {NEITHER}"


def test_the_nearest_name_is_of_the_same_section():
    known = ["search.steps", "retrain.steps", "search.batch_size"]
    assert unknown_name("retrain.step", known) == "unknown name; did you mean retrain.steps?"
    assert unknown_name("search.deep.steps", known) == "unknown name; did you mean search.steps?"
    assert unknown_name("steps", known) == "unknown name; did you mean search.steps or retrain.steps?"
