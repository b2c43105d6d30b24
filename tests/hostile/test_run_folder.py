"""Files in a run's own folder that somebody has replaced: commands go on without them, or name them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.__main__ import main
from tests.orchestrator.disturbed import Disturbed

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.timeout(300)]


def of_something_else(path: Path) -> None:
    path.write_bytes(b'{"a": 1}\n{"run": 3, "step": []}\n{"entry": [], "files": 3}\n[7]\n')


def of_brackets_alone(path: Path) -> None:
    path.write_bytes(b"[" * 200_000)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.mkdir()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> Disturbed:
    run = Disturbed(tmp_path_factory.mktemp("finished") / "runs", stage="search")
    run.root.mkdir()
    shutil.copy(fresh_database, run.root / "mlflow.db")
    assert run.run_here() == 0
    shutil.copytree(run.root / "run", run.root.parent / "sound")
    return run


@pytest.fixture
def run(finished: Disturbed) -> Disturbed:
    """Before anybody has touched it."""
    shutil.rmtree(finished.root / "run")
    shutil.copytree(finished.root.parent / "sound", finished.root / "run")
    return finished


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        *[("search/result.json", damage) for damage in (of_something_else, of_brackets_alone)],
        *[("search/derivations.jsonl", damage) for damage in (of_something_else, of_brackets_alone, a_pipe)],
        ("search_records.jsonl", of_something_else),
        ("search/result.json", a_pipe),
        ("search/genotype_generator.json", of_brackets_alone),
    ],
)
def test_the_run_goes_on_without_them(
    file: str, damage: Callable[[Path], None], run: Disturbed, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.root / "run" / file).unlink()
    damage(run.root / "run" / file)
    assert main(["records", "rebuild", "--root", str(run.root)]) in (0, 2)
    assert run.run_here() == 0
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("search_records.jsonl", a_pipe),
        ("search/result.json", a_folder),
    ],
)
def test_what_cannot_be_written_is_named(
    file: str, damage: Callable[[Path], None], run: Disturbed, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.root / "run" / file).unlink()
    damage(run.root / "run" / file)
    code = run.run_here()
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert code in (0, 2)
    assert code == 0 or (file in said and "move it away" in said)
