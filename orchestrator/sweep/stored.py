"""Trials of a sweep whose root is an object store: the machines that do them share nothing else.

A trial holds its folder in the store, and sends its reports and results there. The driver reads copies of its
own: its scratch folder may be that of a trial under way.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from orchestrator.artifacts.stored_root import COPIES
from orchestrator.checkpoints.claim import sole_owner
from orchestrator.checkpoints.object_store import going_on
from orchestrator.checkpoints.stored_folder import StoredFolder
from orchestrator.config.experiment import Experiment
from trainers.files import make_folder
from trainers.interruption import raise_if_interrupted
from trainers.locks import RunInUse, locked

LOOK_AGAIN_S = 5.0
"""Between two attempts to take a trial's folder that another process holds."""

Send = Callable[[], None]


@contextmanager
def alone_with(experiment: Experiment, folder: Path) -> Iterator[Send]:
    """Hold the folder of a trial, as it is in the store; yields what sends its news there.

    Another trial of the same configuration may be under way, or what is left of a killed driver: then wait.

    Raises:
        MirrorError: the store cannot be reached, or refuses.
    """
    make_folder(folder)
    if experiment.object_store is None:
        with locked(folder / ".trial.lock"):
            yield lambda: None
        return
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(sole_owner(experiment, folder))
                break
            except RunInUse:
                raise_if_interrupted()
                time.sleep(LOOK_AGAIN_S)
        yield StoredFolder(experiment.object_store, experiment.folder, folder).send_notes


def view_of(experiment: Experiment, folder: Path) -> Path:
    """Where the driver reads what the trials in a sweep's folder have left."""
    return experiment.folder / COPIES / folder.name if experiment.object_store else folder


def look_at(experiment: Experiment, trial: Path) -> None:
    """Have the driver's view of a trial up to date.

    Raises:
        MirrorError: the store cannot be reached, or refuses.
    """
    if experiment.object_store:
        StoredFolder(experiment.object_store, experiment.folder / COPIES, trial).fetch_notes()


def look_at_all(experiment: Experiment, trials: Iterable[Path]) -> None:
    """The same for several; while the store is away, what was seen before counts."""
    with going_on():
        for trial in trials:
            look_at(experiment, trial)


def send_own(experiment: Experiment, view: Path) -> None:
    """Send the driver's own files, beside the trials; while the store is away, a later call does."""
    if experiment.object_store:
        own = [path.name for path in view.iterdir() if path.is_file() and not path.name.startswith(".")]
        StoredFolder(experiment.object_store, experiment.folder / COPIES, view).send_files(*own)
