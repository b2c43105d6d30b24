"""A root in an object store, for commands that only read: copies of the named runs' files on this machine.

They are no scratch folders of runs: one that trains here just now may have newer files than the store.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.checkpoints.stored_folder import StoredFolder
from orchestrator.config.identity import IDENTITY_FILE
from orchestrator.config.roots import is_store, scratch
from search_space.errors import UserError

COPIES = "copies"
"""In the scratch folder of the store."""
MEASURED = ("reliability", ("reliability.json", IDENTITY_FILE))
"""Stage that measures what differences between scores mean, and what is read of it."""


@contextmanager
def readable_root(root: str, names: Iterable[str | None], compares: bool = False) -> Iterator[Path]:
    """A folder with all that the named runs have left but checkpoints: the root, or copies from a store.

    `compares`: with what reliability runs have measured, too. Errors name the store.

    Raises:
        UserError: the store cannot be reached, or refuses.
    """
    if not is_store(root):
        yield Path(root).absolute()
        return
    copies = scratch(root) / COPIES
    for name in names:
        if name and Path(name).name == name:
            StoredFolder(root, copies, copies / name).fetch_notes()
    if compares:
        _fetch_measured(root, copies)
    try:
        yield copies
    except UserError as error:
        raise UserError(str(error).replace(str(copies), root.partition("?")[0])) from error


def _fetch_measured(root: str, copies: Path) -> None:
    stage, files = MEASURED
    for run in StoredFolder(root, copies, copies).folders():
        StoredFolder(root, copies, copies / run / stage).fetch_files(*files)
