"""Drivers on machines that share an object store alone: one works on a run, and a dead one is outlived."""

import threading
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from orchestrator.checkpoints import claim
from orchestrator.checkpoints.claim import CLAIMS, sole_owner
from orchestrator.config.roots import SCRATCH_VARIABLE, scratch
from tests.orchestrator.checkpoints.machines import be_on
from tests.orchestrator.tiny_jobs import tiny_job
from tests.s3_server import Store
from trainers.interruption import interruptible
from trainers.locks import RunInUse


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "RENEWED_EVERY_S", 0.05)
    monkeypatch.setattr(claim, "LOOK_EVERY_S", 0.4)
    monkeypatch.setattr(claim, "LEASE_S", 1.5)
    monkeypatch.setenv(SCRATCH_VARIABLE, "")


class Driver:
    """On a machine of its own."""

    def __init__(self, disk: Path, store: Store) -> None:
        self._disk, self._uri = disk, store.uri
        self._held = ExitStack()

    def begin(self) -> None:
        be_on(self._disk)
        job = tiny_job(self._disk, root=self._uri, tracking__uri="http://127.0.0.1:9")
        self._held.enter_context(sole_owner(job.experiment, scratch(self._uri) / "run"))

    def end(self) -> None:
        self._held.close()


@pytest.fixture
def drivers(tmp_path: Path, store: Store) -> list[Driver]:
    return [Driver(tmp_path / name, store) for name in ("first", "second")]


def dead_claim(machine: str) -> bytes:
    return f"process 1 on elsewhere\n{machine}\n7".encode()


def claims(store: Store) -> dict[str, bytes]:
    return store.content(f"run/{CLAIMS}")


def test_a_second_driver_is_refused_as_long_as_the_first_is_alive(
    drivers: list[Driver], store: Store
) -> None:
    first, second = drivers
    first.begin()
    try:
        with pytest.raises(RunInUse, match=r"^s3://bucket-\d+/runs/run: process \d+ on .* works on this run"):
            second.begin()
        assert len(claims(store)) == 1
    finally:
        first.end()
    assert claims(store) == {}
    second.begin()
    second.end()


def test_a_driver_that_died_on_another_machine_is_outlived(drivers: list[Driver], store: Store) -> None:
    store.write(f"run/{CLAIMS}/dead", dead_claim("another-machine"))
    before = time.monotonic()
    drivers[0].begin()
    assert time.monotonic() - before > claim.LEASE_S
    assert "dead" not in claims(store)
    drivers[0].end()


def test_a_driver_that_died_on_this_machine_is_not_waited_for(
    drivers: list[Driver], store: Store, tmp_path: Path
) -> None:
    drivers[0].begin()
    drivers[0].end()
    (file,) = tmp_path.rglob(claim.MACHINE_FILE)
    store.write(f"run/{CLAIMS}/dead", dead_claim(file.read_text()))
    before = time.monotonic()
    drivers[0].begin()
    assert time.monotonic() - before < claim.LEASE_S
    assert "dead" not in claims(store)
    drivers[0].end()


def test_a_driver_whose_claim_was_taken_over_ends(drivers: list[Driver], store: Store) -> None:
    drivers[0].begin()
    (mine,) = claims(store)
    with interruptible(), pytest.raises(KeyboardInterrupt):
        delete_for_good(store, f"run/{CLAIMS}/{mine}")
    drivers[0].end()


def delete_for_good(store: Store, path: str) -> None:
    """Its driver may be renewing it just then."""
    for _ in range(50):
        with suppress(FileNotFoundError):
            store.delete(path)
        time.sleep(0.1)


def test_of_three_that_begin_at_once_one_goes_on_at_a_time(store: Store, tmp_path: Path) -> None:
    def begin(name: str) -> None:
        taken = claim._Claim(claim.StoredFolder(store.uri, tmp_path, tmp_path / "run"), name)
        try:
            taken.take()
        except RunInUse:
            return
        holding.append(name)
        together.append(len(holding))
        time.sleep(0.2)
        holding.remove(name)
        taken.withdraw()

    holding: list[str] = []
    together: list[int] = []
    threads = [threading.Thread(target=partial(begin, name)) for name in ("first", "second", "third")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert together
    assert max(together) == 1
