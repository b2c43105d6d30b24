"""A run without a name never takes another's, whatever the clock says."""

from datetime import datetime
from pathlib import Path

import pytest

from orchestrator.stages import session


class StoppedClock(datetime):
    @classmethod
    def now(cls) -> datetime:  # type: ignore[override]
        return datetime(2026, 10, 25, 2, 30)


def test_the_same_second_twice_gives_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "datetime", StoppedClock)
    names = [session.fresh_name("digits", tmp_path) for _ in range(3)]
    assert names == ["digits-20261025-023000", "digits-20261025-023000-2", "digits-20261025-023000-3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_a_root_that_cannot_be_written_is_left_to_those_who_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert session.fresh_name("digits", tmp_path / "file").startswith("digits-")
