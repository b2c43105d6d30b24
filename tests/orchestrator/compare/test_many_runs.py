"""More runs than MLflow gives at once: none is lost, and a run among them is found without reading all."""

import sqlite3
import time
from contextlib import closing

from orchestrator.compare.from_mlflow import Store
from orchestrator.tracking.tracker import ID_TAG, STAGE_TAG
from tests.orchestrator.tracking.conftest import root, tracker, uri  # noqa: F401

COUNT = 10_000


def filled(tracker, root) -> None:  # noqa: F811
    """As many runs as that, written by SQL: MLflow's client would take minutes."""
    with tracker.run("first", "retrain", "first", {}, {}):
        pass
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(runs)")]
        (model,) = database.execute("SELECT * FROM runs").fetchall()
        runs = []
        for number in range(1, COUNT):
            values = dict(zip(columns, model, strict=True))
            values |= {"run_uuid": f"{number:032x}", "name": f"run {number}", "start_time": number}
            runs.append(tuple(values.values()))
        database.executemany(f"INSERT INTO runs VALUES ({', '.join('?' * len(columns))})", runs)
        tags = [(f"{number:032x}", ID_TAG, f"many-{number}/abcd") for number in range(1, COUNT)]
        tags += [(f"{number:032x}", STAGE_TAG, "retrain") for number in range(1, COUNT)]
        database.executemany("INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, ?)", tags)
        database.commit()


def test_all_of_ten_thousand_runs_are_found_and_one_of_them_soon(tracker, root, uri):  # noqa: F811
    filled(tracker, root)
    store = Store(uri, root)
    started = time.process_time()
    (one,) = store._runs("many-7777")
    found_one = time.process_time() - started
    assert one.info.run_name == "run 7777"
    started = time.process_time()
    everyone = store._runs("advnas")
    found_all = time.process_time() - started
    assert len({run.info.run_id for run in everyone}) == COUNT
    assert found_one < found_all / 2
