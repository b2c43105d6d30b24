"""The store of checkpoints: what is damaged is passed over, what is saved is never at risk."""

import json
import logging
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from orchestrator.checkpoints.store import CheckpointError, CheckpointMeta, CheckpointStore


def meta(step: int) -> CheckpointMeta:
    return CheckpointMeta(step=step, identity={"seed": 0}, images="f00d", metrics={"loss": float("nan")})


def state(step: int) -> dict[str, object]:
    return {"step": step, "weight": torch.full((64, 64), float(step))}


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    """With checkpoints at steps 10 and 20."""
    store = CheckpointStore(tmp_path, keep=2)
    for step in (10, 20):
        store.save(state(step), meta(step))
    return store


def test_the_newest_checkpoint_is_found_with_its_state_and_meta(store: CheckpointStore) -> None:
    newest = store.latest()
    assert newest is not None
    assert newest.meta.step == 20
    assert newest.meta.identity == {"seed": 0}
    assert torch.equal(newest.state()["weight"], torch.full((64, 64), 20.0))


def test_an_empty_or_absent_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert CheckpointStore(tmp_path, keep=1).latest() is None
    assert CheckpointStore(tmp_path / "absent", keep=1).latest() is None


def test_only_the_newest_are_kept(store: CheckpointStore, tmp_path: Path) -> None:
    store.save(state(30), meta(30))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000020", "step-000000030"]


@pytest.fixture
def ranked(tmp_path: Path) -> CheckpointStore:
    """With the newest, at step 40, and the best, at step 20; the others are gone."""
    ranks = {10: 2.0, 20: 1.0, 30: None, 40: 3.0}
    store = CheckpointStore(tmp_path, keep=1, rank=lambda meta: ranks.get(meta.step))
    for step in ranks:
        store.save(state(step), meta(step))
    return store


def test_the_best_is_kept_beside_the_newest(ranked: CheckpointStore, tmp_path: Path) -> None:
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000020", "step-000000040"]
    best, newest = ranked.best(), ranked.latest()
    assert best is not None
    assert newest is not None
    assert (best.meta.step, newest.meta.step) == (20, 40)
    assert torch.equal(best.state()["weight"], torch.full((64, 64), 20.0))


def test_where_the_best_is_damaged_the_next_is_taken(
    ranked: CheckpointStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "step-000000020" / "state.pt").write_bytes(b"")
    best = ranked.best()
    assert best is not None
    assert best.meta.step == 40
    assert "step-000000020 is damaged: taking the next best" in caplog.text


def test_a_checkpoint_that_cannot_be_read_is_not_good(ranked: CheckpointStore, tmp_path: Path) -> None:
    (tmp_path / "step-000000020" / "meta.json").unlink()
    ranked.save(state(50), meta(50))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000040", "step-000000050"]


def test_without_ranks_there_is_no_best(store: CheckpointStore) -> None:
    assert store.best() is None


def test_steps_are_ordered_as_numbers_however_many_digits_they_have(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, keep=2)
    for step in (999_999_999, 1_000_000_000):
        store.save({}, meta(step))
    newest = store.latest()
    assert newest is not None
    assert newest.meta.step == 1_000_000_000


def truncated(folder: Path) -> None:
    with (folder / "state.pt").open("r+b") as file:
        file.truncate(1000)


def one_bit_flipped(folder: Path) -> None:
    content = bytearray((folder / "state.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "state.pt").write_bytes(content)


def without_state(folder: Path) -> None:
    (folder / "state.pt").unlink()


def with_edited_meta(folder: Path) -> None:
    text = (folder / "meta.json").read_text()
    (folder / "meta.json").write_text(text.replace('"step": 20', '"step": 21'))


def with_sums_cut_short(folder: Path) -> None:
    (folder / "SHA256SUMS").write_text((folder / "SHA256SUMS").read_text()[:40])


def with_binary_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").write_bytes(b"\xff\x00" * 99)


def with_sums_of_other_files(folder: Path) -> None:
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  ../../etc/passwd\n")


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


DAMAGES = (
    truncated,
    one_bit_flipped,
    without_state,
    with_edited_meta,
    with_sums_cut_short,
    with_binary_sums,
    with_sums_of_other_files,
    empty,
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_and_said_so(
    damage: Callable[[Path], None], store: CheckpointStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(tmp_path / "step-000000020")
    with caplog.at_level(logging.WARNING):
        newest = store.latest()
    assert newest is not None
    assert newest.meta.step == 10
    assert "step-000000020 is damaged" in caplog.text


def test_a_damaged_checkpoint_makes_way_when_its_step_is_saved_again(
    store: CheckpointStore, tmp_path: Path
) -> None:
    truncated(tmp_path / "step-000000020")
    store.save(state(20), meta(20))
    newest = store.latest()
    assert newest is not None
    assert newest.meta.step == 20
    assert len(list(tmp_path.iterdir())) == 2


def test_damaged_checkpoints_of_later_steps_never_displace_sound_ones(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, keep=1)
    truncated(store.save(state(30), meta(30)))
    store.save(state(15), meta(15))
    newest = store.latest()
    assert newest is not None
    assert newest.meta.step == 15


def test_a_full_disk_is_an_error_in_one_line_and_leaves_what_was_saved(
    store: CheckpointStore, tmp_path: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel refuses to write beyond this size, as it does when the disk is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises(
            CheckpointError, match=r"step-000000030: cannot be written.*free some space"
        ) as raised:
            store.save(state(30), meta(30))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(raised.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000010", "step-000000020"]
    newest = store.latest()
    assert newest is not None
    assert newest.meta.step == 20


def test_ctrl_c_while_saving_comes_through_as_itself(
    store: CheckpointStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupting:
        def update(self, _data: bytes) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr("orchestrator.checkpoints.folder.hashlib.sha256", Interrupting)
    with pytest.raises(KeyboardInterrupt):
        store.save(state(30), meta(30))
    assert not (tmp_path / "step-000000030").exists()


def test_a_process_killed_while_saving_leaves_nothing_that_counts(
    store: CheckpointStore, tmp_path: Path
) -> None:
    script = f"""
import os, pathlib, signal, torch
from orchestrator.checkpoints import folder
folder.sync_folder = lambda _: os.kill(os.getpid(), signal.SIGKILL)
folder.write_whole(pathlib.Path({str(tmp_path / "step-000000030")!r}), {{}}, "{{}}")
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 3
    newest = store.latest()
    assert newest is not None
    assert newest.meta.step == 20
    store.clear_leftovers()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000010", "step-000000020"]


def test_standard_tools_can_verify_a_checkpoint(store: CheckpointStore) -> None:
    newest = store.latest()
    assert newest is not None
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=newest.folder, check=True)


def resign(folder: Path) -> None:
    """Make the checksums hold again, as an attacker or another program would."""
    sums = subprocess.run(
        ["sha256sum", "state.pt", "meta.json"], cwd=folder, check=True, capture_output=True, text=True
    )
    (folder / "SHA256SUMS").write_text(sums.stdout)


class Payload:
    """Unpickled, it would create a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[Path], object], tuple[Path]]:
        return Path.touch, (self._path,)


@pytest.mark.parametrize("save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_hostile_state_is_refused_without_being_run(
    save: Callable[[object, Path], None], store: CheckpointStore, tmp_path: Path
) -> None:
    folder, proof = tmp_path / "step-000000020", tmp_path / "proof"
    save({"step": Payload(proof)}, folder / "state.pt")
    resign(folder)
    newest = store.latest()
    assert newest is not None
    with pytest.raises(CheckpointError, match="not a state of tensors"):
        newest.state()
    assert not proof.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [("format_version", 2), ("step", -1), ("step", "many"), ("genotypes", {"generator": {}}), ("extra", 1)],
)
def test_a_checkpoint_of_another_program_is_refused_and_named(
    key: str, value: object, store: CheckpointStore, tmp_path: Path
) -> None:
    folder = tmp_path / "step-000000020"
    content = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**content, key: value}))
    resign(folder)
    with pytest.raises(CheckpointError, match=rf"step-000000020/meta.json: {key}.*delete its folder"):
        store.latest()
