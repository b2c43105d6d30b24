"""Local paths in configurations."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def absolute(path: Path) -> Path:
    """The path as seen from the folder the run is started in: workers run in folders of their own.

    Raises:
        ValueError: no file system knows such a path.
    """
    if "\0" in str(path):
        raise ValueError("must not hold a null character")
    return path.expanduser().absolute()


Folder = Annotated[Path, AfterValidator(absolute)]
"""A local folder; `~` is expanded and relative paths are made absolute while the configuration loads."""
