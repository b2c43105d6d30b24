"""A run under way: its name, its tracker, and the MLflow run of each of its stages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from orchestrator.checkpoints.stored_folder import bring_run
from orchestrator.config.experiment import Experiment, to_yaml
from orchestrator.console.console import Console
from orchestrator.stages.preview import contact_sheet
from orchestrator.stages.results import RunIdentity
from orchestrator.tracking import TrackedRun, Tracker
from orchestrator.tracking.columns import columns
from orchestrator.tracking.tracker import SEARCHED
from search_space.genotype import Genotype
from trainers.interruption import raise_if_interrupted


@dataclass(frozen=True)
class Session:
    """An experiment under way: its name is decided, its tracker open."""

    experiment: Experiment
    name: str
    """Tag `advnas.id` of the MLflow runs, and folder below the root."""
    tracker: Tracker
    console: Console
    parent: TrackedRun | None = None

    @classmethod
    def begin(cls, experiment: Experiment, console: Console) -> "Session":
        """Decide the name and open the tracker; a run without a name gets one from data and time."""
        root = experiment.folder
        name = experiment.name or fresh_name(experiment.data.name, root)
        experiment = experiment.model_copy(update={"name": name})
        bring_run(experiment, name)
        # Checkpoints outlive this machine in a store; what MLflow is not told by then is lost with the disk.
        copied = bool(experiment.object_store or experiment.mirror)
        tracker = Tracker(experiment.tracking_uri, experiment.tracking.experiment, root, prompt=copied)
        console.run = name
        store = f"{experiment.object_store.split('?')[0]}, here " if experiment.object_store else ""
        console.say(f"run {name} in {store}{root / name}")
        return cls(experiment, name, tracker, console)

    @property
    def folder(self) -> Path:
        """The folder of the run's stages."""
        return self.experiment.folder / self.name


def fresh_name(prefix: str, root: Path) -> str:
    """The prefix, date and time: a name that no run below the root has, taken by making its folder.

    In the hour that comes twice in autumn, after a clock was set back, or in one second with another, a new
    run would otherwise go on with an old one.
    """
    stem = f"{prefix}-{datetime.now():%Y%m%d-%H%M%S}"
    for number in count(1):
        name = stem if number == 1 else f"{stem}-{number}"
        try:
            (root / name).mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError:
            pass  # whoever writes there first says so, with the cure
        return name
    raise AssertionError("there is always another number")


SHOWN = {"search": SEARCHED, "retrain": "", "select": "select/"}
"""Stage -> the prefix of its metrics in a pipeline's run, which shows its curves."""


def tracked(
    session: Session, stage: str, config: Mapping[str, Any], genotypes: Mapping[str, Genotype] | None = None
) -> TrackedRun:
    """The MLflow run of a stage, with the configuration it was done with."""
    raise_if_interrupted()
    experiment = session.experiment
    device = "gpu" if experiment.cluster.use_gpu else "cpu"
    known = columns(experiment, stage)
    if genotypes:  # of any space, found by whatever strategy
        known["space"] = next(iter(genotypes.values())).space
        known.pop("strategy", None) if session.parent is None else None
    run = session.tracker.run(
        session.name,
        stage,
        name=f"{experiment.name} {stage}",
        params={"seed": experiment.seed, "data": experiment.data.model_dump(mode="json"), stage: config},
        tags={"advnas.device": device, "advnas.workers": str(experiment.cluster.num_workers)},
        parent=session.parent,
        columns=known,
        shown=SHOWN.get(stage),
        system_metrics=experiment.tracking.system_metrics,
    )
    run.artifact("config.yaml", to_yaml(experiment))
    run.files(contact_sheet(experiment))
    return run


def run_identity(session: Session, run: TrackedRun) -> RunIdentity:
    """The names by which a run is found again."""
    return RunIdentity(session.name, run.run_id, session.tracker.uri)
