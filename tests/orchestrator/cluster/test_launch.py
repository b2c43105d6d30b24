"""A job in this process: goes on where it stopped, whatever stopped it, and refuses what would change it."""

import json
import logging
import os
import signal
import sys
from pathlib import Path

import pytest
import torch

from orchestrator.checkpoints.store import CheckpointError
from orchestrator.cluster.launch import launch
from orchestrator.jobs.job import Outcome, Stage
from search_space.errors import UserError
from tests.orchestrator.tiny_jobs import STEPS, Interrupted, Recorder, differences, final_state, tiny_job
from trainers.guarded_step import NonFiniteLoss
from trainers.locks import RunInUse, sole_driver
from trainers.report import Report

STAGES: tuple[Stage, ...] = ("search", "retrain")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[Stage, Outcome]:
    """Both stages, done in one go."""
    root = tmp_path_factory.mktemp("uninterrupted")
    return {stage: launch(tiny_job(root, stage), Recorder()) for stage in STAGES}


@pytest.mark.parametrize("stop", STEPS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_job_stopped_at_any_report_ends_as_if_it_had_not_been(
    stage: Stage, stop: int, uninterrupted: dict[Stage, Outcome], tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        launch(tiny_job(tmp_path, stage), Recorder(fails_at=stop))
    resumed = Recorder()
    outcome = launch(tiny_job(tmp_path, stage), resumed)
    assert differences(final_state(outcome), final_state(uninterrupted[stage])) == []
    assert outcome.genotypes == uninterrupted[stage].genotypes
    assert resumed.steps == [step for step in STEPS if step >= stop]


def test_reports_after_a_resumption_say_what_they_would_have_said(
    uninterrupted: dict[Stage, Outcome], tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        launch(tiny_job(tmp_path), Recorder(fails_at=2))
    outcome = launch(tiny_job(tmp_path), Recorder())
    assert without_timing(outcome) == without_timing(uninterrupted["search"])


def without_timing(outcome: Outcome) -> dict[str, float]:
    return {name: value for name, value in outcome.metrics.items() if name != "images_per_second"}


def test_a_finished_job_is_not_done_again(tmp_path: Path) -> None:
    first = launch(tiny_job(tmp_path, "retrain"), Recorder())
    again = Recorder()
    assert launch(tiny_job(tmp_path, "retrain"), again) == first
    assert again.steps == []


def test_a_report_is_recorded_before_its_checkpoint_is_committed(tmp_path: Path) -> None:
    committed: list[list[str]] = []

    def emit(_report: Report) -> None:
        folder = tmp_path / "run" / "retrain" / "checkpoints"
        committed.append(sorted(path.name for path in folder.iterdir()) if folder.exists() else [])

    launch(tiny_job(tmp_path, "retrain"), emit)
    assert committed == [[], ["step-000000001"], ["step-000000001", "step-000000002"]]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_job_at_once_and_it_can_go_on(
    signal_number: int,
    uninterrupted: dict[Stage, Outcome],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    # Whoever starts pytest in the background leaves SIGINT ignored.
    before = signal.signal(signal_number, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal_number, before))

    def emit(report: Report) -> None:
        if report.step == 2:
            os.kill(os.getpid(), signal_number)

    handler = signal.getsignal(signal_number)
    with pytest.raises(KeyboardInterrupt):
        launch(tiny_job(tmp_path, "retrain"), emit)
    assert signal.getsignal(signal_number) is handler
    outcome = launch(tiny_job(tmp_path, "retrain"), Recorder())
    assert differences(final_state(outcome), final_state(uninterrupted["retrain"])) == []


def test_the_checkpoint_before_a_damaged_one_is_used_and_the_result_is_the_same(
    uninterrupted: dict[Stage, Outcome], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Interrupted):
        launch(tiny_job(tmp_path, "retrain"), Recorder(fails_at=3))
    damaged = tmp_path / "run" / "retrain" / "checkpoints" / "step-000000002" / "state.pt"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    resumed = Recorder()
    with caplog.at_level(logging.WARNING):
        outcome = launch(tiny_job(tmp_path, "retrain"), resumed)
    assert resumed.steps == [2, 3]
    assert "step-000000002 is damaged" in caplog.text
    assert differences(final_state(outcome), final_state(uninterrupted["retrain"])) == []


def test_a_job_whose_checkpoints_are_all_damaged_begins_anew(
    uninterrupted: dict[Stage, Outcome], tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        launch(tiny_job(tmp_path, "retrain"), Recorder(fails_at=2))
    (tmp_path / "run" / "retrain" / "checkpoints" / "step-000000001" / "SHA256SUMS").unlink()
    resumed = Recorder()
    outcome = launch(tiny_job(tmp_path, "retrain"), resumed)
    assert resumed.steps == [1, 2, 3]
    assert differences(final_state(outcome), final_state(uninterrupted["retrain"])) == []


def test_a_retraining_at_constant_rates_can_be_prolonged(
    uninterrupted: dict[Stage, Outcome], tmp_path: Path
) -> None:
    launch(tiny_job(tmp_path, "retrain", retrain__steps=2), Recorder())
    longer = launch(tiny_job(tmp_path, "retrain"), Recorder())
    assert differences(final_state(longer), final_state(uninterrupted["retrain"])) == []


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a search that was stopped after its first checkpoint."""
    root = tmp_path_factory.mktemp("begun")
    with pytest.raises(Interrupted):
        launch(tiny_job(root), Recorder(fails_at=2))
    return root


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("seed", 1, r"seed = 1: .* started with 0"),
        ("search__batch_size", 16, r"search.batch_size = 16: .* started with 8"),
        ("search__generator__channels", 8, r"search.generator.channels = 8: .* started with 4"),
        ("search__steps", 8, r"search.steps = 8: .* started with 3"),
    ],
)
def test_another_configuration_is_refused_with_the_setting_that_differs(
    option: str, value: int, message: str, begun: Path
) -> None:
    refused = Recorder()
    with pytest.raises(CheckpointError, match=message):
        launch(tiny_job(begun, **{option: value}), refused)
    assert refused.steps == []


def test_other_images_are_refused(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainers.datasets.digits.resized", lambda pixels, _size: pixels.repeat(1, 1, 2, 2))
    with pytest.raises(CheckpointError, match=r"data: not the images that the run in .* was started with"):
        launch(tiny_job(begun), Recorder())


def test_a_state_of_other_shapes_is_refused_with_the_tensor_that_differs(begun: Path, tmp_path: Path) -> None:
    newest = tiny_job(begun).checkpoints.latest()
    assert newest is not None
    state = newest.state()
    state["alpha"]["normal"] = torch.zeros(3, 5, 9)
    job = tiny_job(tmp_path)
    job.checkpoints.save(state, newest.meta)
    with pytest.raises(CheckpointError, match=r"step-000000001: alpha.normal has shape \(3, 5, 9\)"):
        launch(job, Recorder())


def test_a_loss_that_is_not_finite_ends_the_job_and_keeps_its_checkpoints(tmp_path: Path) -> None:
    diverging = tiny_job(tmp_path, "retrain", retrain__generator_optimizer__lr=1e30)
    recorder = Recorder()
    with pytest.raises(NonFiniteLoss, match=r"update is not finite at step 2 on rank 0"):
        launch(diverging, recorder)
    newest = diverging.checkpoints.latest()
    assert newest is not None
    assert newest.meta.step == 1


def test_two_drivers_cannot_do_the_same_job(tmp_path: Path) -> None:
    job = tiny_job(tmp_path)
    with sole_driver(job.folder), pytest.raises(RunInUse):
        launch(job, Recorder())


def test_without_workers_ray_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "ray" or name.startswith("ray.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)
    assert launch(tiny_job(tmp_path, "retrain", retrain__steps=1), Recorder()).step == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_the_users_to_know(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cluster\.use_gpu = true: torch finds no GPU"):
        launch(tiny_job(tmp_path, cluster__use_gpu=True), Recorder())


def test_a_derived_opponent_needs_its_genotype(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"retrain\.discriminator\.architecture = derived"):
        launch(tiny_job(tmp_path, "retrain", retrain__discriminator__architecture="derived"), Recorder())


def test_the_outcome_of_a_search_is_what_its_last_report_said(tmp_path: Path) -> None:
    recorder = Recorder()
    outcome = launch(tiny_job(tmp_path, search__steps=1), recorder)
    last = recorder.reports[-1]
    assert (outcome.step, outcome.metrics, outcome.genotypes) == (last.step, last.metrics, last.genotypes)
    assert outcome.checkpoint.name == "step-000000001"
    meta = json.loads((outcome.checkpoint / "meta.json").read_text())
    assert meta["images"] == outcome.images
