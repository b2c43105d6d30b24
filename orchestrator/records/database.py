"""MLflow's SQLite database as a file: whether it is sound, and runs under the ids they had.

MLflow gives every run an id of its own, but results (`runs:/ID`) and folders of artifacts name the old
one. The two tables are not documented: `tests/contracts/test_private_parts.py` says whether they are as here.
"""

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

SIDE_FILES = ("-wal", "-shm", "-journal")


def set_aside_if_damaged(database: Path) -> Path | None:
    """Rename a database that cannot be read; its new name, or None if it is sound or absent.

    Raises:
        sqlite3.OperationalError: another process holds it.
    """
    if not database.is_file() or _is_sound(database):
        return None
    names = (
        database.with_name(f"{database.name}.damaged{'-' * (n > 1)}{n if n > 1 else ''}") for n in count(1)
    )
    aside = next(name for name in names if not name.exists())
    database.rename(aside)
    for suffix in SIDE_FILES:
        side = database.with_name(database.name + suffix)
        if side.exists():
            side.rename(aside.with_name(aside.name + suffix))
    return aside


def _is_sound(database: Path) -> bool:
    try:
        with closing(sqlite3.connect(database, timeout=10)) as connection:
            return connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise
        return False
    except sqlite3.DatabaseError:
        return False


def rename_run(database: Path, made: str, run_id: str, artifacts: str) -> None:
    """Give a run that was made just now, and holds nothing but tags, the id and the artifacts it had."""
    with closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        # Both sides of the reference from tags to runs change before anybody checks it.
        connection.execute("PRAGMA foreign_keys = OFF")
        values = (run_id, artifacts, made)
        connection.execute("UPDATE runs SET run_uuid = ?, artifact_uri = ? WHERE run_uuid = ?", values)
        connection.execute("UPDATE tags SET run_uuid = ? WHERE run_uuid = ?", (run_id, made))
