"""Runs by the project's own names: a run that is started again continues its MLflow run."""

import logging
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from orchestrator.config.identity import flatten
from orchestrator.tracking.provenance import code_tags, git_commit
from orchestrator.tracking.recording import DERIVED, STEP, Marks, Recorder, derived_file
from orchestrator.tracking.run import ERROR_TAG, Known, ShownBy, TrackedRun
from orchestrator.tracking.sending.entry import Entry
from orchestrator.tracking.sending.outbox import Outbox
from orchestrator.tracking.sending.records import SUFFIX, Head, Records
from orchestrator.tracking.store import TrackingError, explained, open_experiment
from orchestrator.tracking.system import SystemMetrics
from search_space.genotype import Genotype, Provenance

if TYPE_CHECKING:
    from mlflow.entities import Run

ID_TAG, STAGE_TAG = "advnas.id", "advnas.stage"
PARENT_TAG = "mlflow.parentRunId"
UNSENT = "_unsent"
"""Ends the names of folders with entries that wait for the store."""
DECIDING = "score"
"""Column that names the score of `best` and `last`."""
SEARCHED = "search/"
"""Before the names of a search's metrics, in runs that show a retraining under their plain names."""

logger = logging.getLogger(__name__)


class Tracker:
    """An MLflow experiment.

    Raises:
        TrackingError: the store cannot be used.
    """

    experiment_id: str
    """MLflow's number of the experiment, as in its pages' addresses."""

    def __init__(self, uri: str, experiment: str, root: Path, prompt: bool = False):
        """`prompt`: reports are in the store before training goes on, as long as it answers."""
        self.uri, self._root, self._prompt = uri, root.absolute(), prompt
        self._experiment = experiment
        self._client, self.experiment_id = open_experiment(uri, experiment, self._root)

    def run(
        self,
        id: str,
        stage: str,
        name: str,
        params: Mapping[str, Any],
        tags: Mapping[str, str],
        parent: TrackedRun | None = None,
        columns: Mapping[str, str] | None = None,
        shown: str | None = None,
        shown_only: Collection[str] | None = None,
        began: int | None = None,
        system_metrics: bool = False,
    ) -> TrackedRun:
        """The run of that id and stage, made or opened again; `params` is a configuration, nested as it is.

        A param of a run opened again keeps its first value, as MLflow demands; a new value becomes a tag.

        `columns` are params by which lists of runs are sorted; `score` among them names the score that
        decides. The parent shows the curves too if `shown` is their prefix there, or only those of
        `shown_only`. `began` is when a run of the past began, milliseconds since 1970.

        Raises:
            TrackingError: the store does not answer, or refuses what an earlier start could not write.
        """
        every = {ID_TAG: id, STAGE_TAG: stage, "mlflow.source.name": f"advnas {stage}", **code_tags(), **tags}
        if parent is not None:
            every[PARENT_TAG] = parent.run_id
        params = flatten(params) | dict(columns or {})
        with explained(self.uri):
            found = self._find(id, stage)
            run = found or self._client.create_run(
                self.experiment_id, start_time=began, tags=every, run_name=name
            )
            if parent is None:
                self._send_unsent(id, run.info.run_id)
            records = Records.of(self._root, id, stage)
            outbox = self._outbox(run.info.run_id, records)
            run = self._reopened(run, outbox)
            records.open(self._head(run, id, stage, name, whole=records.path.exists() or found is None))
            provenance = Provenance(run=id, seed=_seed(params), git_commit=git_commit())
            recorder = self._recorder(run, provenance)
        tracked = TrackedRun(
            run.info.run_id,
            name,
            outbox,
            recorder,
            Known(run.data.metrics, run.data.params),
            Marks((columns or {}).get(DECIDING)),
            ShownBy(parent, shown, shown_only and frozenset(shown_only))
            if parent and shown is not None
            else None,
            None if found else partial(self._withdraw, run.info.run_id, outbox),
            SystemMetrics() if system_metrics else None,
        )
        new, changed = tracked.news(params)
        outbox.put(Entry(params=new, tags=every | changed))
        return tracked

    def _withdraw(self, run_id: str, outbox: Outbox) -> None:
        """Take back a run that has done nothing; one that stays for want of an answer does no harm."""
        outbox.discard()
        try:
            self._client.delete_run(run_id)
        except Exception as error:
            logger.debug("run %s is not taken back: %s", run_id, error)

    def _find(self, id: str, stage: str) -> "Run | None":
        wanted = f"tags.`{ID_TAG}` = '{id}' and tags.`{STAGE_TAG}` = '{stage}'"
        found = self._client.search_runs([self.experiment_id], wanted, max_results=1)
        return found[0] if found else None

    def _outbox(self, run_id: str, records: Records) -> Outbox:
        folder = records.path.with_name(records.path.name.removesuffix(SUFFIX) + UNSENT)
        return Outbox(self._client, run_id, folder, records, self._prompt)

    def _send_unsent(self, id: str, run_id: str) -> None:
        """Send what waits for other runs below, such as trials that will not be opened again."""
        for folder in sorted((self._root / id).rglob(f"*{UNSENT}")):
            records = Records(folder.with_name(folder.name.removesuffix(UNSENT) + SUFFIX))
            head = records.head()
            if head and head.run_id != run_id:
                outbox = self._outbox(head.run_id, records)
                if not outbox.flush():
                    logger.warning("%s", outbox.why_it_waits)

    def _head(self, run: "Run", id: str, stage: str, name: str, whole: bool) -> Head:
        return Head(
            run_id=run.info.run_id,
            experiment=self._experiment,
            id=id,
            stage=stage,
            name=name,
            began=run.info.start_time,
            artifacts=run.info.artifact_uri,
            uri=self.uri,
            whole=whole,
        )

    def _reopened(self, run: "Run", outbox: Outbox) -> "Run":
        """The run as of now: with what waited to be sent, in progress, without the error it ended with."""
        if not outbox.flush():
            raise TrackingError(outbox.why_it_waits)
        self._client.update_run(run.info.run_id, status="RUNNING")
        if ERROR_TAG in self._client.get_run(run.info.run_id).data.tags:
            self._client.delete_tag(run.info.run_id, ERROR_TAG)
        return self._client.get_run(run.info.run_id)

    def _recorder(self, run: "Run", provenance: Provenance) -> Recorder:
        steps = {
            name.removesuffix(STEP): int(value)
            for name, value in run.data.metrics.items()
            if name == STEP or name.endswith(f"/{STEP}")
        }
        # Genotypes come with a run's own reports or, where it shows several curves, with those of a search.
        newest = steps.get("", -1) if len(steps) < 2 else steps.get(SEARCHED, steps.get("", -1))
        return Recorder(provenance, steps, self._genotypes_at(newest, run))

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


def _seed(params: Mapping[str, str]) -> int | None:
    return int(params["seed"]) if params.get("seed", "").isdecimal() else None
