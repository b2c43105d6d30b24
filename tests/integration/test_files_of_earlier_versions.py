"""What commit 938fef4 has left goes on: runs, checkpoints, studies, generators, MLflow's database.

Modules and options had other names then. `before_packages.tar.xz` is the folder of runs that its commands
have made in `/tmp/advnas-before`, some of them killed on their way; its `expected.json` says what they come
to undisturbed. No module but that of the command line is imported here, so that the rest may move again.
"""

import hashlib
import json
import re
import shlex
import sqlite3
import tarfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.__main__ import main

ARCHIVE = Path(__file__).parents[1] / "data" / "before_packages.tar.xz"
MADE_IN = "/tmp/advnas-before"

SURE = ("loss_beta", "loss_discriminator", "score_spread", "tau", "entropy_alpha", "entropy_beta")
"""The others hold the last bias of D: its gradients cancel, and Adam takes whole steps by what is left."""

PIPE = (
    "pipeline tiny.yaml --name pipe --search.steps 2 --select.rungs [1] --select.limit 2 "
    "--select.max_repeats 1"
)
CHOSEN = (
    "select tiny.yaml --name chosen --select.rungs '[1, 2]' --select.zoo [eagan] --select.random 2 "
    "--select.max_repeats 1"
)

pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass(frozen=True)
class Told:
    """What a command has said."""

    result: dict[str, Any]
    """To programs."""
    lines: Sequence[str]
    """To people."""

    def steps(self, stage: str) -> list[int]:
        """At which the stage has reported."""
        found = (re.match(rf"{stage} (\d+)/\d+ ", line) for line in self.lines)
        return [int(match[1]) for match in found if match]


Advnas = Callable[[str], Told]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of runs, moved here; commands run in it."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database, database:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            moved = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
            database.execute(moved, (MADE_IN, str(tmp_path)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def expected(root: Path) -> dict[str, Any]:
    """What undisturbed runs came to, by name."""
    return json.loads((root / "expected.json").read_text())


@pytest.fixture
def advnas(capsys: pytest.CaptureFixture[str]) -> Advnas:
    """Does a command, which must succeed."""

    def do(command: str) -> Told:
        code = main([*shlex.split(command), "--json"])
        out, err = capsys.readouterr()
        assert code == 0, err
        return Told(json.loads(out.splitlines()[-1]), err.splitlines())

    return do


def rows_of(genotype: str, root: Path, network: str = "generator") -> list[list[int]]:
    """Of a run or a file, as the released code writes them."""
    target = root / "rows.npy"
    words = ["genotype", "convert", genotype, str(target), "--network", network, "--root", str(root)]
    assert main(words) == 0
    return np.load(target).tolist()


def recorded(root: Path, query: str, *values: str) -> list[Any]:
    """First column of what MLflow's database answers."""
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        return [row[0] for row in database.execute(query, values)]


def reported_steps(root: Path, run: str, stage: str) -> list[int]:
    """Of a stage in MLflow, in the order of its steps."""
    query = """SELECT step FROM metrics WHERE key = 'step' AND run_uuid IN (
        SELECT name.run_uuid FROM tags AS name JOIN tags AS stage ON name.run_uuid = stage.run_uuid
        WHERE name.key = 'advnas.id' AND name.value LIKE ? AND stage.key = 'advnas.stage' AND stage.value = ?
    ) ORDER BY step"""
    return recorded(root, query, f"{run}%", stage)


def contents(root: Path, *patterns: str) -> Mapping[Path, tuple[int, str]]:
    """When files were written, and what."""
    return {
        file: (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest())
        for pattern in patterns
        for file in root.glob(pattern)
    }


def names_of_settings(row: Mapping[str, Any]) -> set[str]:
    """Those that a comparison knows of a training."""
    return {setting.split(" ")[0] for setting in row["recipe"]}


def test_a_killed_search_ends_as_if_nothing_had_happened(
    root: Path, expected: Mapping[str, Any], advnas: Advnas
) -> None:
    assert (root / "mine" / "search_unsent").is_dir(), "its third report waits to be sent to MLflow"
    told = advnas("search tiny.yaml --name mine")
    assert told.steps("search") == [4, 5, 6]
    metrics = {name: told.result["metrics"][name] for name in SURE}
    assert metrics == pytest.approx({name: expected["mine"]["metrics"][name] for name in SURE}, rel=1e-4)
    for network, rows in expected["mine"]["rows"].items():
        assert rows_of("mine", root, network) == rows
    assert not (root / "mine" / "search_unsent").exists()
    assert reported_steps(root, "mine", "search") == [1, 2, 3, 4, 5, 6]


def test_a_pipeline_killed_in_its_retraining_repeats_nothing(
    root: Path, expected: Mapping[str, Any], advnas: Advnas
) -> None:
    folders, runs = set(root.glob("pipe/*/*/")), recorded(root, "SELECT run_uuid FROM runs")
    done = contents(root, "pipe/*/search/checkpoints/*/*", "pipe/*/select/*/*/checkpoints/*/*")
    assert len(done) == 3 * (1 + 2)
    told = advnas(PIPE)
    assert told.steps("search") == []
    assert not [line for line in told.lines if line.startswith("select 1 of")]
    assert told.steps("retrain") == [3, 4]
    assert contents(root, "pipe/*/search/checkpoints/*/*", "pipe/*/select/*/*/checkpoints/*/*") == done
    # The same folders, so the same hashes of settings.
    assert {folder.name for folder in set(root.glob("pipe/*/*/")) - folders} == {"evaluate"}
    assert len(recorded(root, "SELECT run_uuid FROM runs")) == len(runs) + 1
    assert reported_steps(root, "pipe", "retrain") == [1, 2, 3, 4]
    assert told.result["metrics"] == pytest.approx(expected["pipe"]["metrics"], rel=1e-3)
    assert rows_of(told.result["genotype"], root) == expected["pipe"]["rows"]
    assert told.result["model"].startswith("models:/advnas-generator/")


def test_a_finished_pipeline_has_nothing_to_do(advnas: Advnas) -> None:
    told = advnas("pipeline tiny.yaml --name first --retrain.genotype adversarialnas --retrain.steps 2")
    assert told.steps("retrain") == []


def test_generators_make_the_images_of_before(root: Path, advnas: Advnas) -> None:
    advnas("generate done/retrain/generator.pt --count 4 --seed 1 --out again.npz")
    images, before = (np.load(root / name)["arr_0"].astype(int) for name in ("again.npz", "images.npz"))
    assert np.abs(images - before).max() <= 1
    advnas("generate first --root . --count 4 --out of_a_run.npz")
    advnas("generate models:/advnas-generator/1 --root . --count 4 --out of_a_model.npz")
    assert (np.load("of_a_run.npz")["arr_0"] == np.load("of_a_model.npz")["arr_0"]).all()


def test_runs_of_before_and_of_now_are_compared_as_one_kind(advnas: Advnas) -> None:
    advnas("retrain tiny.yaml --name again --retrain.genotype eagan --retrain.steps 2")
    compared = advnas("compare first again done pipe --root .").result
    rows = {row["name"]: row for row in compared["rows"]}
    assert set(rows) == {"first", "again", "done", "pipe", "pipe: search step 1", "pipe: search step 2"}
    before, now = rows["first"], rows["again"]
    assert before["group"] == now["group"]
    assert names_of_settings(before) == names_of_settings(now)
    assert not [verdict for verdict in compared["verdicts"] if "recipes differ" in verdict]


def test_genotypes_are_read(
    root: Path, expected: Mapping[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    for source in ("generator.json", "generator.npy", "whole"):
        assert main(["genotype", "show", source, "--root", "."]) == 0
        shown.append(capsys.readouterr().out.splitlines()[0])
        assert rows_of(source, root) == expected["mine"]["rows"]["generator"]
        capsys.readouterr()
    assert len(set(shown)) == 1, "one architecture has one hash"
    assert rows_of("discriminator.npy", root) == expected["mine"]["rows"]["discriminator"]


def test_a_configuration_with_the_names_of_before_is_the_same_run(
    root: Path, advnas: Advnas, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for file in ("config.yaml", "again.yaml"):
        assert main(["retrain", file, "--dry-run"]) == 0
        printed.append(capsys.readouterr().out)
        (root / "again.yaml").write_text(printed[-1])
    assert printed[0] == printed[1]
    assert re.search(r": derived$", printed[0], re.MULTILINE), "the discriminator that was searched"
    assert re.search(r"^  \w+: (reference|op_by_op)$", printed[0], re.MULTILINE)
    told = advnas("retrain config.yaml --root . --name fresh --retrain.genotype whole --retrain.steps 1")
    assert told.steps("retrain") == [1]
    assert set(told.result["genotypes"]) == {"generator", "discriminator"}


def test_a_retraining_against_the_searched_discriminator_goes_on(root: Path, advnas: Advnas) -> None:
    told = advnas("retrain config.yaml --root . --name done --retrain.genotype whole --retrain.steps 4")
    assert told.steps("retrain") == [4]
    assert reported_steps(root, "done", "retrain") == [1, 2, 3, 4]


def test_a_killed_selection_goes_on_with_the_scores_it_has(
    root: Path, expected: Mapping[str, Any], advnas: Advnas
) -> None:
    before = scores(root / "chosen" / "select" / "scores.csv")
    told = advnas(CHOSEN)
    trained = [line.split(",")[0] for line in told.lines if re.match(r"select \d of \d: .*: done in", line)]
    assert [line.split(": ")[1] for line in trained] == ["random 2", "random 1", "eagan"]
    assert told.result["choice"] == expected["chosen"]["choice"]
    after = scores(root / "chosen" / "select" / "scores.csv")
    assert after == pytest.approx(expected["chosen"]["scores"], rel=1e-3)
    assert after[: len(before)] == before


def scores(table: Path) -> list[float]:
    """Of a selection, in the order of its trainings."""
    return [float(line.rsplit(",", 1)[1]) for line in table.read_text().splitlines()[1:]]


def test_scores_of_a_selection_are_replayed(root: Path, advnas: Advnas) -> None:
    (table,) = root.glob("pipe/*/select/scores.csv")
    assert advnas(f"select --replay {table} --rungs 1").result["choice_score"] == min(scores(table))


@pytest.mark.timeout(900)
def test_a_killed_sweep_goes_on_with_its_study(
    root: Path, expected: Mapping[str, Any], advnas: Advnas
) -> None:
    before = trials(root)
    assert [(trial["number"], trial["state"]) for trial in before] == [(0, "COMPLETE"), (1, "RUNNING")]
    told = advnas("sweep sweep.yaml")
    assert told.result["complete"] == 3
    assert not [line for line in told.lines if line.startswith("trial 0 running")]
    after = trials(root)
    assert [trial["state"] for trial in after] == ["COMPLETE"] * 3
    assert after[0] == before[0]
    assert [trial["params"] for trial in after[:2]] == [trial["params"] for trial in before]
    # Not of the third: a sampler that goes on draws other numbers than one that was not stopped.
    assert [trial["value"] for trial in after[:2]] == pytest.approx(expected["swept"]["scores"][:2], rel=1e-3)
    rows = advnas("compare swept --root .").result["rows"]
    assert len(rows) == 3
    assert len({frozenset(names_of_settings(row)) for row in rows}) == 1


def trials(root: Path) -> list[dict[str, Any]]:
    """Of the study."""
    query = """SELECT number, state, datetime_complete, value, (
        SELECT group_concat(param_name || param_value, ' ') FROM trial_params WHERE trial_id = trials.trial_id
    ) AS params FROM trials LEFT JOIN trial_values USING (trial_id) ORDER BY number"""
    with closing(sqlite3.connect(root / "swept" / "study.db")) as study:
        study.row_factory = sqlite3.Row
        return [dict(row) for row in study.execute(query)]
