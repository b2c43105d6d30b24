"""A cached file is complete or absent; journals and results are read as far as they are sound."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from search_space.errors import UserError
from trainers.files import append_entry, json_file, json_lines, written_whole


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.bin"
    with written_whole(path) as file:
        file.write(b"half")
        assert not path.exists()
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), written_whole(path) as file:
        file.write("text is no bytes")  # type: ignore[arg-type]
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"old"]


def test_sound_lines_of_a_journal_are_read_and_no_others(tmp_path: Path) -> None:
    journal = tmp_path / "new" / "journal.jsonl"
    append_entry(journal, {"step": 1})
    with journal.open("ab") as file:
        file.write(b'\n{"step": 2, "sco\n\xff\xfe\n[3]\n{"other": 4}\n' + b"[" * 100_000)
    append_entry(journal, {"step": 5})
    assert [line["step"] for line in json_lines(journal, "step")] == [1, 5]
    assert list(json_lines(tmp_path / "absent")) == []


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_waited_for(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    make(path)
    with pytest.raises(UserError, match=r"journal.jsonl: is not a regular file; move it away"):
        append_entry(path, {})
    assert list(json_lines(path)) == []
    with pytest.raises(ValueError, match="not a regular file"):
        json_file(path)
