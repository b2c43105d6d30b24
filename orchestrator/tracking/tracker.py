"""Runs by the project's own names: a run that is started again continues its MLflow run."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from orchestrator.config.identity import flatten
from orchestrator.tracking.entry import Entry
from orchestrator.tracking.outbox import Outbox
from orchestrator.tracking.provenance import code_tags, git_commit
from orchestrator.tracking.recording import DERIVED, Recorder, derived_file
from orchestrator.tracking.run import ERROR_TAG, TrackedRun
from orchestrator.tracking.store import TrackingError, explained, open_experiment
from search_space.genotype import Genotype, Provenance

if TYPE_CHECKING:
    from mlflow.entities import Run

ID_TAG, STAGE_TAG = "advnas.id", "advnas.stage"
PARENT_TAG = "mlflow.parentRunId"


class Tracker:
    """An MLflow experiment.

    Raises:
        TrackingError: the store cannot be used.
    """

    experiment_id: str
    """MLflow's number of the experiment, as in its pages' addresses."""

    def __init__(self, uri: str, experiment: str, root: Path):
        self.uri, self._root = uri, root.absolute()
        self._client, self.experiment_id = open_experiment(uri, experiment, self._root)

    def run(
        self,
        id: str,
        stage: str,
        name: str,
        params: Mapping[str, Any],
        tags: Mapping[str, str],
        parent: TrackedRun | None = None,
    ) -> TrackedRun:
        """The run of that id and stage, made or opened again; `params` is a configuration, nested as it is.

        A param of a run opened again keeps its first value, as MLflow demands; a new value becomes a tag.

        Raises:
            TrackingError: the store does not answer, or refuses what an earlier start could not write.
        """
        every = {ID_TAG: id, STAGE_TAG: stage, "mlflow.source.name": f"advnas {stage}", **code_tags(), **tags}
        if parent is not None:
            every[PARENT_TAG] = parent.run_id
        with explained(self.uri):
            run = self._find(id, stage) or self._client.create_run(
                self.experiment_id, tags=every, run_name=name
            )
            outbox = Outbox(self._client, run.info.run_id, self._root / id / f"{stage}_unsent")
            run = self._reopened(run, outbox)
            recorder = self._recorder(
                run, Provenance(run=id, seed=params.get("seed"), git_commit=git_commit())
            )
        outbox.put(Entry(params=_new(flatten(params), run), tags=every | _changed(flatten(params), run)))
        return TrackedRun(run.info.run_id, name, outbox, recorder, run.data.metrics)

    def _find(self, id: str, stage: str) -> "Run | None":
        wanted = f"tags.`{ID_TAG}` = '{id}' and tags.`{STAGE_TAG}` = '{stage}'"
        found = self._client.search_runs([self.experiment_id], wanted, max_results=1)
        return found[0] if found else None

    def _reopened(self, run: "Run", outbox: Outbox) -> "Run":
        """The run as of now: with what waited to be sent, in progress, without the error it ended with."""
        if not outbox.flush():
            raise TrackingError(outbox.why_it_waits)
        self._client.update_run(run.info.run_id, status="RUNNING")
        if ERROR_TAG in self._client.get_run(run.info.run_id).data.tags:
            self._client.delete_tag(run.info.run_id, ERROR_TAG)
        return self._client.get_run(run.info.run_id)

    def _recorder(self, run: "Run", provenance: Provenance) -> Recorder:
        step = int(run.data.metrics.get("step", -1))
        return Recorder(provenance, step, self._genotypes_at(step, run))

    def _genotypes_at(self, step: int, run: "Run") -> dict[str, Genotype]:
        """The genotypes of the newest complete report; for runs that derive none, the genotypes that they
        train.

        Files go before numbers: the newest file may be of a report that comes again.
        """
        run_id = run.info.run_id
        paths = (None, DERIVED)
        kept = {file.path for path in paths for file in self._client.list_artifacts(run_id, path)}
        derives = DERIVED in kept
        names = {
            network: derived_file(network, step) if derives else f"genotype_{network}.json"
            for network in ("generator", "discriminator")
        }
        with TemporaryDirectory() as folder:
            return {
                network: Genotype.load(Path(self._client.download_artifacts(run_id, name, folder)))
                for network, name in names.items()
                if name in kept
            }


def _new(params: Mapping[str, str], run: "Run") -> dict[str, str]:
    return {name: value for name, value in params.items() if name not in run.data.params}


def _changed(params: Mapping[str, str], run: "Run") -> dict[str, str]:
    before = run.data.params
    return {f"advnas.changed.{name}": new for name, new in params.items() if before.get(name, new) != new}
