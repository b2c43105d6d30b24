"""A local root that machines do not share is found out before the first step."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.cluster.shared_root import Mark, NotShared, mark_of
from tests.orchestrator.tiny_jobs import tiny_job
from trainers.locks import DRIVER_LOCK, sole_driver


def test_whoever_sees_what_the_driver_has_written_goes_on(tmp_path: Path) -> None:
    job = tiny_job(tmp_path)
    with sole_driver(job.folder):
        mark = mark_of(job.experiment, job.folder)
        assert mark is not None
        mark.require_seen(patience=0)


def elsewhere(mark: Mark, disk: Path) -> Mark:
    """The mark, as a machine looks for it that has another disk at the root."""
    return replace(mark, file=disk / mark.file.relative_to(mark.root))


@pytest.mark.parametrize("left", ["nothing", "the folder of an earlier run"])
def test_another_disk_is_an_error_that_names_the_machine_and_the_cure(tmp_path: Path, left: str) -> None:
    job = tiny_job(tmp_path / "driver")
    with sole_driver(job.folder):
        mark = mark_of(job.experiment, job.folder)
        assert mark is not None
        other = elsewhere(mark, tmp_path / "other")
        if left != "nothing":
            shutil.copytree(tmp_path / "driver", tmp_path / "other")
            other.file.write_text("process 7 on other")
        with pytest.raises(NotShared, match=r"machine \S+ \([\d.]+\) has another disk .*\(s3://") as raised:
            other.require_seen(patience=0)
    assert str(raised.value).startswith(f"root = {tmp_path / 'driver'}: ")


def test_trainings_of_a_selection_look_for_what_the_selection_holds(tmp_path: Path) -> None:
    job = tiny_job(tmp_path)
    with sole_driver(tmp_path / "run"):
        mark = mark_of(job.experiment, job.folder)
        assert mark is not None
        assert mark.file == tmp_path / "run" / DRIVER_LOCK


def test_an_object_store_needs_no_shared_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVNAS_SCRATCH", str(tmp_path))
    job = tiny_job(tmp_path, root="s3://bucket/runs", tracking__uri="http://127.0.0.1:9")
    with sole_driver(job.folder):
        assert mark_of(job.experiment, job.folder) is None
