"""A local root must be one disk for all machines: each looks for what the driver has written there, and else
nothing is trained. Without that, a run ends on a disk that its driver never sees.
"""

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.experiment import Experiment
from search_space.errors import UserError
from trainers.locks import DRIVER_LOCK

PATIENCE_S = 10.0
"""A network disk may show other machines a new file a little later."""


class NotShared(UserError):
    """A machine has another disk at the root than the driver."""


@dataclass(frozen=True)
class Mark:
    """What a driver has written into a folder of the root that it holds."""

    root: Path
    file: Path
    text: str

    def require_seen(self, patience: float = PATIENCE_S) -> None:
        """Called on another machine, before the first step.

        Raises:
            NotShared: the file is not there, or is of somebody else.
        """
        until = time.monotonic() + patience
        while self._text() != self.text:
            if time.monotonic() > until:
                raise NotShared(
                    f"root = {self.root}: machine {socket.gethostname()} ({_address()}) has another disk "
                    "there than the driver; name a folder that all machines share, or an object store "
                    "(s3://...)"
                )
            time.sleep(0.5)

    def _text(self) -> str | None:
        try:
            os.listdir(self.file.parent)  # makes network disks look again
            return self.file.read_text()
        except OSError:
            return None


def mark_of(experiment: Experiment, folder: Path) -> Mark | None:
    """That of the driver that holds the folder or one above it; None if the root is an object store."""
    root = experiment.folder
    if experiment.object_store:
        return None
    for holder in (folder, *folder.parents):
        if not holder.is_relative_to(root):
            break
        file = holder / DRIVER_LOCK
        if file.is_file() and (text := file.read_text()):
            return Mark(root, file, text)
    return None


def _address() -> str:
    from ray.util import get_node_ip_address

    return get_node_ip_address()
