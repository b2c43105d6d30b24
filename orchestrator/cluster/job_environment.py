"""What a command needs to know when it runs as a Ray job, however the job was submitted."""

import os
from pathlib import Path

from search_space.errors import UserError

JOB_VARIABLE = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Ray sets it for the commands of jobs."""

COPIES = "runtime_resources"
"""Folder of a Ray session below which copies of working directories lie; they go when nothing uses them."""


def require_kept(root: Path) -> None:
    """Refuse to leave runs where they would be deleted.

    Raises:
        UserError: the root lies in the job's copy of the working directory.
    """
    here = Path.cwd()
    if JOB_VARIABLE in os.environ and COPIES in here.parts and root.is_relative_to(here):
        raise UserError(
            f"root = {root.relative_to(here)}: lies in the job's copy of the working directory, which Ray "
            "deletes; give --root an absolute path that all machines share"
        )
