from pathlib import Path

import pytest
from pydantic import ValidationError

from orchestrator.__main__ import main
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment, load_experiment, to_yaml, with_overrides
from orchestrator.config.files import read_yaml


@pytest.fixture(scope="module")
def digits() -> Experiment:
    return load_experiment("digits")


def test_a_preset_and_the_same_text_in_a_file_are_the_same_run(digits, tmp_path):
    file = tmp_path / "mine.yml"
    file.write_text(to_yaml(digits))
    assert load_experiment(str(file)) == digits


def test_options_reach_every_depth(digits):
    changed = load_experiment(
        "digits", {"seed": "3", "search.generator_optimizer.betas": "[0, 0.5]", "name": "007"}
    )
    assert (changed.seed, changed.search.generator_optimizer.betas, changed.name) == (3, (0.0, 0.5), "007")
    assert changed.retrain == digits.retrain


def test_another_run_differs_in_the_named_options_only(digits):
    changed = with_overrides(digits, {"search.steps": 5, "cluster.num_workers": 2})
    assert (changed.search.steps, changed.cluster.num_workers) == (5, 2)
    assert with_overrides(changed, {"search.steps": digits.search.steps, "cluster.num_workers": 0}) == digits


def test_another_run_is_validated_like_any_other(digits):
    with pytest.raises(ConfigError, match=r"^search\.batch_size = 7: has no equal halves"):
        with_overrides(digits, {"search.batch_size": 7})


def test_a_run_does_not_change(digits):
    with pytest.raises(ValidationError):
        digits.seed = 1


def test_relative_folders_are_those_of_where_the_command_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cifar10 = load_experiment("cifar10", {"data.root": "~/images"})
    assert cifar10.root == tmp_path / "runs"
    assert cifar10.data.root == Path.home() / "images"


def test_mlflow_is_a_database_in_the_root_unless_another_is_named(digits, tmp_path):
    here = with_overrides(digits, {"root": str(tmp_path)})
    assert here.tracking_uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert with_overrides(here, {"tracking.uri": "http://host:5000"}).tracking_uri == "http://host:5000"


def test_sections_that_decide_no_result_may_be_left_out(digits):
    document = read_yaml(to_yaml(digits), "text")
    for name in ("name", "root", "compute", "cluster", "tracking"):
        del document[name]
    assert Experiment.model_validate(document).search == digits.search


def test_an_object_store_gets_copies_or_is_the_root(digits, monkeypatch, tmp_path):
    server = {"tracking.uri": "http://host:5000"}
    uri = "s3://bucket/runs?region=eu-central-1"
    assert with_overrides(digits, {"mirror": uri, **server}).mirror == uri
    stored = with_overrides(digits, {"root": uri, **server})
    assert read_yaml(to_yaml(stored), "text")["root"] == uri
    for disk in ("first", "second"):
        monkeypatch.setenv("ADVNAS_SCRATCH", str(tmp_path / disk))
        assert stored.folder.parent == tmp_path / disk
    for options, message in (
        ({"root": uri}, r"root = .*: MLflow's database would stay on this machine.*tracking\.uri"),
        ({"root": uri, "mirror": uri, **server}, r"mirror = .*: root is an object store already"),
        ({"root": "http://bucket/runs"}, r"root.*must begin with s3://"),
        ({"root": "s3://key:secret@bucket/runs", **server}, r"root.*must not hold credentials"),
        ({"mirror": uri}, r"mirror = .*: MLflow's database would stay on this machine.*tracking\.uri"),
        ({"mirror": "/disk", **server}, r"mirror.*must begin with s3://"),
        ({"mirror": "s3://key:secret@bucket/runs", **server}, r"mirror.*must not hold credentials"),
    ):
        with pytest.raises(ConfigError, match=message):
            with_overrides(digits, options)


@pytest.mark.parametrize(
    ("option", "address"),
    [
        ("tracking.uri", "http://me:hunter2@mlflow:5000"),
        ("tracking.uri", "postgresql://me:hunter2@127.0.0.1/db"),
        ("tracking.uri", "postgresql://me:hun/ter2@127.0.0.1/db"),
        ("tracking.uri", "postgresql://me@127.0.0.1/db?password=hunter2"),
        ("data.path", "s3://KEY:hunter2@bucket/images"),
        ("data.path", "abfs://container/images?sas_token=hunter2&x=1"),
        ("mirror", "s3://KEY:hunter2@bucket/runs"),
    ],
)
def test_an_address_with_a_password_is_refused_without_repeating_it(option, address, tmp_path, capsys):
    words = ["search", "digits", "--root", str(tmp_path / "runs"), f"--{option}", address]
    assert main([*words, *["--data.name", "parquet"] * (option == "data.path")]) == 2
    said = "".join(capsys.readouterr())
    assert f"{option} = " in said
    assert "must not hold credentials" in said
    assert "ter2" not in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "address",
    [
        "http://host:5000",
        "http://host:5000/a@b",
        "http://me@host:5000",
        "postgresql://me@host:5432/db",
        "sqlite:////a:b@c/mlflow.db",
    ],
)
def test_addresses_without_one_are_accepted(digits, address):
    assert with_overrides(digits, {"tracking.uri": address}).tracking_uri == address


@pytest.mark.parametrize("address", ["local", "auto", "ray://head:10001", "10.0.0.1:6379"])
def test_clusters_are_addressed_as_ray_addresses_them(digits, address):
    assert with_overrides(digits, {"cluster.address": address}).cluster.address == address


@pytest.mark.parametrize(("workers", "size"), [(1, 2), (2, 4), (3, 6), (4, 32)])
def test_batches_that_workers_can_share_are_accepted(digits, workers, size):
    sizes = {"search.batch_size": size, "search.generator_batch_size": workers}
    sizes |= {"retrain.batch_size": workers, "retrain.generator_batch_size": 2 * workers}
    assert with_overrides(digits, {"cluster.num_workers": workers, **sizes}).search.batch_size == size


def test_the_classifier_of_digits_is_refused_for_other_images(tmp_path):
    other = {"data.name": "image_folder", "data.root": str(tmp_path)}
    with pytest.raises(ConfigError) as refused:
        load_experiment("digits", other)
    assert str(refused.value).splitlines() == [
        f'{stage}.evaluation.extractor = "digits": knows handwritten digits alone, data is image_folder; '
        "use efficientnet_lite0"
        for stage in ("search", "retrain")
    ]
    cured = {f"{stage}.evaluation.extractor": "efficientnet_lite0" for stage in ("search", "retrain")}
    assert load_experiment("digits", {**other, **cured}).data.name == "image_folder"
