"""What may change between two attempts of a job, and what may not."""

from pathlib import Path

import pytest
import torch

from orchestrator.checkpoints.store import Checkpoint, CheckpointError, CheckpointMeta
from orchestrator.config.renamed import first_identity
from orchestrator.jobs.identity import identity, require_same, require_same_images, require_same_protocol
from orchestrator.jobs.job import Stage
from orchestrator.jobs.worker import run_worker
from tests.orchestrator.tiny_jobs import Recorder, tiny_job


@pytest.mark.parametrize(
    ("stage", "option", "value"),
    [
        ("search", "cluster__num_workers", 1),
        ("search", "cluster__cpus_per_worker", 2),
        ("search", "compute__backend", "op_by_op"),
        ("search", "keep_checkpoints", 9),
        ("search", "tracking__experiment", "other"),
        ("search", "search__report_every", 3),
        ("search", "search__evaluation__every", 3),
        ("search", "retrain__steps", 9),
        ("retrain", "retrain__genotype", "some/file.json"),
        ("retrain", "retrain__steps", 9),
    ],
)
def test_where_it_is_done_and_how_it_is_looked_at_may_change(
    stage: Stage, option: str, value: object, tmp_path: Path
) -> None:
    assert identity(tiny_job(tmp_path, stage, **{option: value})) == identity(tiny_job(tmp_path, stage))


@pytest.mark.parametrize(
    ("stage", "option", "value", "name"),
    [
        ("search", "seed", 1, "seed"),
        ("search", "search__steps", 9, "search.steps"),
        ("search", "search__strategy__beta_optimizer__lr", 0.1, "search.strategy.beta_optimizer.lr"),
        ("search", "search__discriminator__channels", 9, "search.discriminator.channels"),
        ("retrain", "retrain__discriminator__architecture", "derived", "retrain.discriminator.architecture"),
        # BatchNorm normalises over each worker's share.
        ("retrain", "cluster__num_workers", 2, "cluster.num_workers"),
    ],
)
def test_what_decides_the_numbers_may_not(
    stage: Stage, option: str, value: object, name: str, tmp_path: Path
) -> None:
    changed = identity(tiny_job(tmp_path, stage, **{option: value}))
    before = identity(tiny_job(tmp_path, stage))
    assert {key for key in changed if changed[key] != before[key]} == {name}


def test_an_elastic_job_may_go_on_with_fewer_workers_than_before(tmp_path: Path) -> None:
    all_workers = identity(tiny_job(tmp_path, cluster__num_workers=4))
    assert identity(tiny_job(tmp_path, cluster__num_workers=4, cluster__min_workers=1)) == all_workers


def test_evaluations_count_where_weights_jump_at_them(tmp_path: Path) -> None:
    jumping = {"search__strategy__continue_from_ema": True, "search__report_every": 1}
    every_step = identity(tiny_job(tmp_path, **jumping, search__evaluation__every=1))
    every_other = identity(tiny_job(tmp_path, **jumping, search__evaluation__every=2))
    assert every_step != every_other


def test_the_length_of_a_retraining_counts_where_rates_decay_over_it(tmp_path: Path) -> None:
    short = identity(tiny_job(tmp_path, "retrain", retrain__lr_decay="linear"))
    assert short != identity(tiny_job(tmp_path, "retrain", retrain__lr_decay="linear", retrain__steps=9))


def test_options_of_later_versions_count_only_where_they_do_something(tmp_path: Path) -> None:
    decaying = {"retrain__lr_decay": "linear"}
    before = identity(tiny_job(tmp_path, "retrain", **decaying))
    assert "retrain.lr_decay_from" not in first_identity(before)
    assert identity(tiny_job(tmp_path, "retrain", **decaying, retrain__lr_decay_from=0.5)) != before
    constant = identity(tiny_job(tmp_path, "retrain"))
    assert identity(tiny_job(tmp_path, "retrain", retrain__lr_decay_from=0.5)) == constant


def test_the_precision_counts_as_what_it_is_on_the_device(tmp_path: Path) -> None:
    found = {gpu: identity(tiny_job(tmp_path, cluster__use_gpu=gpu)) for gpu in (False, True)}
    assert {gpu: each["compute.precision"] for gpu, each in found.items()} == {False: "float32", True: "tf32"}
    assert "compute.precision" not in first_identity(found[False]), "earlier runs on CPUs go on"
    assert identity(tiny_job(tmp_path, compute__precision="float32")) == found[False]
    assert identity(tiny_job(tmp_path, cluster__use_gpu=True, compute__precision="tf32")) == found[True]


def test_a_run_on_a_gpu_by_an_earlier_version_does_not_change_its_precision_silently(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, cluster__use_gpu=True)
    earlier = {name: value for name, value in identity(job).items() if name != "compute.precision"}
    with pytest.raises(CheckpointError, match=r'compute\.precision = "tf32": .* was started with "float32"'):
        require_same(checkpoint(identity=earlier), job)


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("precision", ["bfloat16", "tf32"])
def test_a_run_of_an_earlier_version_goes_on_with_the_precision_that_its_options_name(
    precision: str, gpu: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = tiny_job(tmp_path, cluster__use_gpu=gpu, compute__precision=precision)
    earlier = {name: value for name, value in identity(job).items() if name != "compute.precision"}
    require_same(checkpoint(identity=earlier), job)
    assert caplog.messages == [
        f"compute.precision = {precision}: taken for that of the run so far, of which an earlier version "
        "did not record it"
    ]
    with pytest.raises(CheckpointError, match=r"compute\.precision = .* was started with \"float32\""):
        require_same(checkpoint(identity={**earlier, "compute.precision": "float32"}), job)


def checkpoint(**fields: object) -> Checkpoint:
    known = {"step": 1, "identity": {}, "images": "f00d", "metrics": {}, **fields}
    return Checkpoint(Path("/runs/r/search/checkpoints/step-000000001"), CheckpointMeta.model_validate(known))


def test_images_of_other_content_are_refused() -> None:
    require_same_images(checkpoint(), "f00d")
    with pytest.raises(CheckpointError, match=r"data: .*run in /runs/r/search .*\(hash beef, was f00d\)"):
        require_same_images(checkpoint(), "beef")


def test_scores_that_mean_something_else_are_refused() -> None:
    scored = checkpoint(protocol={"extractor": "digits", "samples": "100"})
    with pytest.raises(CheckpointError, match=r'samples = "200": .* started with "100"'):
        require_same_protocol(scored, {"extractor": "digits", "samples": "200"})


def test_scoring_may_begin_and_end_between_two_attempts() -> None:
    protocol = {"extractor": "digits"}
    require_same_protocol(checkpoint(), protocol)
    require_same_protocol(checkpoint(protocol=protocol), {})


def test_a_checkpoint_of_another_strategy_is_refused(tmp_path: Path) -> None:
    random = tiny_job(tmp_path, search__strategy="random")
    outcome = run_worker(random, Recorder(), torch.device("cpu"))
    assert set(outcome.genotypes) == {"generator", "discriminator"}
    with pytest.raises(CheckpointError, match=r'search\.strategy\.name = "adversarial": .*with "random"'):
        run_worker(tiny_job(tmp_path), Recorder(), torch.device("cpu"))
