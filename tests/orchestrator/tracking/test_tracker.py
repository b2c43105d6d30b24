"""Runs found again, and what is known of them before the first report."""

import subprocess
import threading
from pathlib import Path

import pytest

from orchestrator.tracking import Tracker
from tests.orchestrator.tracking.examples import PARAMS, opened, report

HERE = Path(__file__).parent


def test_the_same_id_and_stage_is_the_same_run(tracker, client):
    first = opened(tracker)
    first.finish("KILLED")
    again = opened(tracker)
    assert again.run_id == first.run_id
    assert client.get_run(again.run_id).info.status == "RUNNING"


def test_another_process_finds_the_run_too(tracker, uri, root):
    assert opened(Tracker(uri, "advnas", root)).run_id == opened(tracker).run_id


@pytest.mark.parametrize("other", [{"stage": "retrain"}, {"id": "demo2"}])
def test_another_id_or_stage_is_another_run(tracker, other):
    assert opened(tracker, **other).run_id != opened(tracker).run_id


def test_another_experiment_has_runs_of_its_own(tracker, uri, root):
    assert opened(Tracker(uri, "another", root)).run_id != opened(tracker).run_id


def test_stages_are_children_of_their_pipeline(tracker, client):
    parent = opened(tracker, "pipeline")
    children = [opened(tracker, stage, parent=parent).run_id for stage in ("search", "retrain")]
    found = client.search_runs([tracker.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.run_id}'")
    assert {run.info.run_id for run in found} == set(children)
    assert {run.info.run_name for run in found} == {"demo search", "demo retrain"}


def test_params_have_the_dotted_names_of_the_command_line(tracker, client):
    run = opened(tracker)
    assert client.get_run(run.run_id).data.params == {
        "seed": "3",
        "search.steps": "100",
        "search.generator.channels": "8",
    }


def test_a_changed_param_of_a_run_that_goes_on_becomes_a_tag(tracker, client):
    opened(tracker)
    run = opened(tracker, params=PARAMS | {"search": {"steps": 200, "n_critic": 5}})
    data = client.get_run(run.run_id).data
    assert data.params["search.steps"] == "100"
    assert data.params["search.n_critic"] == "5"
    assert {key: value for key, value in data.tags.items() if key.startswith("advnas.changed")} == {
        "advnas.changed.search.steps": "200"
    }


def test_a_param_of_any_length_and_a_hundred_of_them_are_taken(tracker, client):
    many = {f"option{number}": number for number in range(150)}
    run = opened(tracker, params={"long": "x" * 20_000, **many})
    opened(tracker, params={"long": "x" * 20_000, **many})
    data = client.get_run(run.run_id).data
    assert len(data.params) == 151
    assert "advnas.changed.long" not in data.tags


def test_tags_say_which_code_made_the_run_and_what_the_caller_adds(tracker, client):
    tags = client.get_run(opened(tracker).run_id).data.tags
    git = subprocess.run(["git", "rev-parse", "HEAD"], check=False, cwd=HERE, capture_output=True, text=True)
    assert tags.get("mlflow.source.git.commit", "") == git.stdout.strip()
    assert tags["mlflow.source.name"] == "advnas search"
    assert tags["advnas.workers"] == "2"
    assert {"advnas.version.torch", "advnas.version.ray"} <= set(tags)


def test_the_error_of_an_earlier_start_goes_when_the_run_goes_on(tracker, client):
    opened(tracker).finish("FAILED", ValueError("no"))
    run = opened(tracker)
    assert "advnas.error" not in client.get_run(run.run_id).data.tags


def test_runs_in_threads_do_not_mix(tracker, history):
    def record(id: str, sign: int) -> None:
        with opened(tracker, id=id) as run:
            for step in (1, 2, 3):
                run.report(report(step, loss=float(sign * step)))

    threads = [threading.Thread(target=record, args=(f"run{sign}", sign)) for sign in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sign in (1, 2, 3, 4):
        run_id = opened(tracker, id=f"run{sign}").run_id
        assert history(run_id, "loss") == [(1, sign), (2, 2 * sign), (3, 3 * sign)]


def test_everything_lies_under_the_root_whatever_the_working_directory(tracker, root, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run = opened(tracker)
    run.artifact("note.txt", "a")
    run.finish("FINISHED")
    assert (root / "mlartifacts" / run.run_id / "artifacts" / "note.txt").read_text() == "a"
    assert list(elsewhere.iterdir()) == []


def test_nothing_global_of_mlflow_is_changed_and_nothing_is_printed(tracker, capfd):
    import mlflow

    before = mlflow.get_tracking_uri()
    with opened(tracker) as run:
        run.report(report(1))
        assert mlflow.active_run() is None
    assert mlflow.get_tracking_uri() == before
    assert capfd.readouterr() == ("", "")
