"""What a run holds, read back from the store."""

import io
import json
import os
import signal

import pytest
from PIL import Image

from orchestrator.plots.genotype import save_drawing
from orchestrator.tracking.sending import entry, outbox
from orchestrator.tracking.sending.courier import COURIER
from search_space.errors import UserError
from search_space.genotype import Genotype, Provenance
from tests.orchestrator.tracking.examples import (
    DISCRIMINATOR,
    GENERATOR,
    opened,
    report,
    settle,
    with_edges,
)
from trainers.interruption import interruptible


@pytest.fixture
def run(tracker):
    opened_run = opened(tracker)
    opened_run._recorder.drawing_share = 1.0
    return opened_run


def test_metrics_are_recorded_at_their_step(run, history):
    run.report(report(50, loss=2.0, tau=5.0))
    run.report(report(100, loss=1.5, tau=4.0))
    assert history(run.run_id, "loss") == [(50, 2.0), (100, 1.5)]
    assert history(run.run_id, "tau") == [(50, 5.0), (100, 4.0)]
    assert run.last_step == 100


def test_a_signal_in_the_middle_of_a_write_does_not_cut_it_short(run, root, history, client, monkeypatch):
    run.report(report(50, loss=2.0))
    settle(root)
    send = outbox.send

    def interrupted(*arguments, **options):
        monkeypatch.setattr(outbox, "send", send)
        os.kill(os.getpid(), signal.SIGTERM)
        send(*arguments, **options)

    monkeypatch.setattr(outbox, "send", interrupted)

    def report_and_wait():
        run.report(report(100, loss=1.5))
        settle(root)

    with interruptible(), pytest.raises(KeyboardInterrupt), run:
        report_and_wait()
    assert history(run.run_id, "loss") == [(50, 2.0), (100, 1.5)]
    assert client.get_run(run.run_id).info.status == "KILLED"


def test_a_report_is_one_batch(run, root, monkeypatch):
    batches = []
    settle(root)
    log_batch = run._outbox._client.log_batch
    monkeypatch.setattr(
        run._outbox._client, "log_batch", lambda *a, **k: (batches.append(k["metrics"]), log_batch(*a, **k))
    )
    run.report(report(50, GENERATOR, grey=9, **{f"metric{number}": 1.0 for number in range(40)}))
    settle(root)
    assert len(batches) == 1
    assert len(batches[0]) == 41  # and the step


def test_reports_repeated_after_a_crash_are_not_recorded_twice(tracker, run, history, images):
    for step in (50, 100, 150):
        run.report(report(step, grey=0))
    again = opened(tracker)
    for step in (100, 150, 200):
        again.report(report(step, grey=0))
    assert [step for step, _ in history(run.run_id, "loss")] == [50, 100, 150, 200]
    assert sorted(images(run.run_id, "samples")) == [50, 100, 150, 200]


def test_a_value_that_is_not_finite_is_named_instead_of_stored(run, client, caplog):
    run.report(report(50, loss=float("nan"), fid=float("inf"), tau=5.0))
    data = client.get_run(run.run_id).data
    assert set(data.metrics) == {"tau", "step"}
    assert data.tags["advnas.not_finite"] == "step 50: loss = nan, fid = inf"
    assert "loss = nan" in caplog.text


def test_samples_are_a_grid_of_eight_columns_by_step_and_the_newest_under_a_name_that_stays(
    run, images, artifact
):
    run.report(report(50, grey=200))
    run.report(report(100, grey=100))
    assert sorted(images(run.run_id, "samples")) == [50, 100]
    first = Image.open(io.BytesIO(artifact(run.run_id, images(run.run_id, "samples")[50])))
    newest = Image.open(io.BytesIO(artifact(run.run_id, "samples.png")))
    # 8 images of 16 pixels, 7 gaps of 2, enlarged 3 times.
    assert first.size == newest.size == (426, 426)
    assert (first.getpixel((0, 0)), newest.getpixel((0, 0))) == (200, 100)


def test_every_derived_genotype_is_kept_with_where_it_comes_from(run, client, artifact):
    other = with_edges(GENERATOR, cell=0, e0="nearest", e1="nearest")
    run.report(report(50, GENERATOR, DISCRIMINATOR))
    run.report(report(100, other, DISCRIMINATOR))
    kept = [
        Genotype.from_json(artifact(run.run_id, f"genotypes/generator_{step:07d}.json")) for step in (50, 100)
    ]
    assert [genotype.cells for genotype in kept] == [GENERATOR.cells, other.cells]
    assert (kept[1].provenance.run, kept[1].provenance.step, kept[1].provenance.seed) == ("demo", 100, 3)
    tags = client.get_run(run.run_id).data.tags
    assert tags["advnas.genotype.generator"] == other.content_hash
    assert tags["advnas.genotype.discriminator"] == DISCRIMINATOR.content_hash


def test_provenance_that_a_genotype_brings_stays(run, artifact):
    found = GENERATOR.model_copy(update={"provenance": Provenance(run="another", step=7)})
    run.report(report(50, found))
    assert json.loads(artifact(run.run_id, "genotype_generator.json"))["provenance"]["run"] == "another"


def test_edges_changed_since_the_report_before_are_counted_over_a_restart_too(tracker, run, history):
    two = with_edges(GENERATOR, cell=1, e0="nearest", e1="ConvTranspose")
    assert [a != b for a, b in zip(GENERATOR.cells[1], two.cells[1], strict=True)].count(True) == 2
    one_more = with_edges(two, cell=2, e0="nearest" if two.cells[2][0] != "nearest" else "bilinear")
    run.report(report(50, GENERATOR))
    run.report(report(100, two))
    run.report(report(150, two))
    opened(tracker).report(report(200, one_more))
    assert history(run.run_id, "edges_changed_generator") == [(100, 2), (150, 0), (200, 1)]


class Killed(BaseException):
    """What ends a driver at once."""


@pytest.mark.parametrize("first", [50, 100])
def test_edges_changed_are_those_of_the_report_before_though_a_driver_died_after_the_files(
    first, tracker, run, root, history, monkeypatch
):
    two = with_edges(GENERATOR, cell=1, e0="nearest", e1="ConvTranspose")
    reports = [report(50, GENERATOR), report(100, two)]

    def die(sent, *_):
        if sent.metrics and sent.step == first:
            raise Killed

    with monkeypatch.context() as patch:
        values = entry._send_values
        settle(root)
        patch.setattr(entry, "_send_values", lambda *given: (die(*given), values(*given)))
        patch.setattr(COURIER, "deliver", lambda _: None)

        def send_at_once(each):
            run.report(each)
            run._outbox.flush()

        with pytest.raises(Killed):
            list(map(send_at_once, reports))
    again = opened(tracker)
    for each in reports:
        again.report(each)
    assert history(run.run_id, "edges_changed_generator") == [(100, 2)]


def test_a_genotype_is_drawn_when_it_has_changed(run, images):
    other = with_edges(GENERATOR, cell=0, e0="nearest", e1="nearest")
    for step, genotype in ((50, GENERATOR), (100, GENERATOR), (150, other)):
        run.report(report(step, genotype))
    assert sorted(images(run.run_id, "genotype_generator")) == [50, 150]


def test_drawings_take_a_small_share_of_the_time_and_the_last_genotype_is_drawn_all_the_same(
    run, images, artifact, tmp_path
):
    run._recorder.drawing_share = 1e-9
    other = with_edges(GENERATOR, cell=0, e0="nearest", e1="nearest")
    run.report(report(50, GENERATOR))
    run.report(report(100, other))
    run.finish("FINISHED")
    assert sorted(images(run.run_id, "genotype_generator")) == [50]
    for suffix in ("png", "svg"):
        save_drawing(other, tmp_path / f"expected.{suffix}")
        drawn = artifact(run.run_id, f"genotype_generator.{suffix}")
        assert drawn == (tmp_path / f"expected.{suffix}").read_bytes()


def test_a_retraining_shows_what_it_trains(run, client, artifact):
    run.genotypes({"generator": GENERATOR})
    assert Genotype.from_json(artifact(run.run_id, "genotype_generator.json")).cells == GENERATOR.cells
    assert artifact(run.run_id, "genotype_generator.svg").startswith(b"<?xml")
    assert client.get_run(run.run_id).data.tags["advnas.genotype.generator"] == GENERATOR.content_hash


def test_scores_are_recorded_once_with_how_they_were_measured(tracker, run, client, history):
    run.report(report(50))
    run.scores({"fid": 12.5}, {"extractor": "inception 1a2b"})
    run.scores({"fid": 12.5}, {"extractor": "inception 1a2b"})
    opened(tracker).scores({"fid": 12.5}, {"extractor": "inception 1a2b"})
    assert history(run.run_id, "fid") == [(50, 12.5)]
    assert client.get_run(run.run_id).data.tags["advnas.score.extractor"] == "inception 1a2b"


def test_the_data_set_is_an_input_with_its_hash(run, client):
    run.dataset("digits", "0123456789abcdef")
    run.dataset("digits", "0123456789abcdef")
    (used,) = client.get_run(run.run_id).inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("digits", "0123456789abcdef")


def test_a_checkpoint_is_linked_and_a_file_is_kept(run, client, artifact, tmp_path):
    run.link_checkpoint(tmp_path / "step_100")
    run.artifact("config.yaml", "seed: 3\n")
    assert client.get_run(run.run_id).data.tags["advnas.checkpoint"] == str(tmp_path / "step_100")
    assert artifact(run.run_id, "config.yaml") == b"seed: 3\n"


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ValueError("loss is nan\nsecond line"), "FAILED", "ValueError: loss is nan"),
        (KeyboardInterrupt(), "KILLED", "KeyboardInterrupt: KeyboardInterrupt"),
        (SystemExit(143), "KILLED", "SystemExit: 143"),
    ],
)
def test_a_run_that_is_left_by_an_error_says_so(run, client, error, status, message):
    run.report(report(10))
    with pytest.raises(type(error)), run:
        raise error
    found = client.get_run(run.run_id)
    assert (found.info.status, found.data.tags["advnas.error"]) == (status, message)


@pytest.mark.parametrize("error", [UserError("data.root: no such folder"), KeyboardInterrupt()])
def test_a_run_that_a_mistake_ends_before_any_work_leaves_nothing_in_the_list(tracker, run, client, error):
    with pytest.raises(type(error)), run:
        raise error
    assert client.search_runs([tracker.experiment_id]) == []


def test_a_run_that_went_on_and_was_refused_stays(tracker, run, client):
    with run:
        run.report(report(10))
    with pytest.raises(UserError), opened(tracker):
        raise UserError("data.root: no such folder")
    assert client.get_run(run.run_id).info.lifecycle_stage == "active"


def test_a_run_that_is_left_in_peace_is_finished(run, client):
    with run:
        pass
    found = client.get_run(run.run_id)
    assert found.info.status == "FINISHED"
    assert "advnas.error" not in found.data.tags


def test_a_run_ends_once(run, client):
    with run:
        run.finish("FAILED")
    assert client.get_run(run.run_id).info.status == "FAILED"
