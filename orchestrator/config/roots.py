"""Where runs are kept and how they are called: a folder, or an object store with scratch folders."""

import hashlib
import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from trainers.files import absolute, without_secrets

SCRATCH_VARIABLE = "ADVNAS_SCRATCH"
"""Each machine's own: the folder for work of runs whose root is an object store; else ~/.cache/advnas."""


def _store_address(uri: str) -> str:
    if not re.match(r"(s3|gs|abfss?|hdfs|file)://.", uri):
        raise ValueError("must begin with s3://, gs://, abfss://, hdfs:// or file://")
    return without_secrets(uri)


def _root(given: Path | str) -> Path | str:
    return _store_address(str(given)) if is_store(str(given)) else absolute(Path(given))


StoreAddress = Annotated[str, AfterValidator(_store_address)]
"""An object store's bucket and prefix, for pyarrow."""

Root = Annotated[Path | str, AfterValidator(_root)]
"""A local folder, made absolute, or the address of an object store."""


def _usable_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise ValueError(
            "must be up to 100 letters, digits, dots, dashes and underscores, as it names folders"
        )
    return name


RunName = Annotated[str, AfterValidator(_usable_name)]
"""Names a folder, so: letters, digits, dots, dashes and underscores."""


def is_store(root: str) -> bool:
    """Whether a root names an object store."""
    return "://" in root


def scratch(store: str) -> Path:
    """This machine's folder for the runs of an object store: work under way, copies, prepared data."""
    base = os.environ.get(SCRATCH_VARIABLE) or "~/.cache/advnas"
    return absolute(Path(base)) / hashlib.sha256(store.rstrip("/").encode()).hexdigest()[:8]
