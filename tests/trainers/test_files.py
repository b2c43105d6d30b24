"""A cached file is complete or absent."""

from pathlib import Path

import pytest

from trainers.files import written_whole


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
