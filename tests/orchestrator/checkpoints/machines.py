"""Machines of a root in an object store: each has a scratch folder of its own."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.roots import SCRATCH_VARIABLE, scratch
from tests.orchestrator.disturbed import Disturbed
from tests.s3_server import KEYS


@dataclass(frozen=True)
class Machine:
    """One of them, with the retraining `run`."""

    disk: Path
    store: str

    @property
    def run(self) -> Disturbed:
        """As this machine sees it, which this process becomes."""
        be_on(self.disk)
        root = scratch(self.store)
        root.mkdir(parents=True, exist_ok=True)
        return Disturbed(root)


def be_on(disk: Path, meet: Callable[[], None] = lambda: None) -> None:
    """From now on, this process is on the machine with that disk."""
    os.environ |= {SCRATCH_VARIABLE: str(disk), **KEYS}
    meet()
