"""One MLflow run, from the driver's side."""

import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from orchestrator.tracking.recording import BEST, STEP, Marks, Recorder, architecture, edge_params, finite
from orchestrator.tracking.sending.entry import Dataset, Entry, Status
from orchestrator.tracking.sending.outbox import Outbox
from orchestrator.tracking.store import TrackingError
from orchestrator.tracking.system import PREFIX as SYSTEM
from orchestrator.tracking.system import SystemMetrics
from search_space.errors import UserError, one_line
from search_space.genotype import Genotype, differing_edges
from trainers.interruption import finishing
from trainers.report import Report

logger = logging.getLogger(__name__)

ERROR_TAG = "advnas.error"
PATIENCE = 30.0
"""Seconds that the end of a run waits for a store that does not answer."""


class Known(NamedTuple):
    """What the store has of a run: the newest value of each metric, to write a score once, and params."""

    metrics: Mapping[str, float]
    params: Mapping[str, str]


class ShownBy(NamedTuple):
    """The parent of a run, which shows its curves too."""

    parent: "TrackedRun"
    prefix: str
    """Before the names of the child's metrics."""
    only: Collection[str] | None = None
    """Metrics that are shown; None: all."""


class TrackedRun:
    """Writes to one run by its id: nothing of MLflow's global state is used, so any thread may.

    As a context it ends the run: FINISHED, FAILED with the error as a tag, or KILLED when interrupted.
    """

    def __init__(
        self,
        run_id: str,
        name: str,
        outbox: Outbox,
        recorder: Recorder,
        known: Known,
        marks: Marks = Marks(None),  # noqa: B008
        shown_by: "ShownBy | None" = None,
        withdraw: Callable[[], None] | None = None,
        system: SystemMetrics | None = None,
    ):
        """`withdraw` takes back a run that was made just now; None where it was there before."""
        self.run_id, self.name = run_id, name
        self._outbox, self._recorder = outbox, recorder
        self._metrics, self._params = dict(known.metrics), dict(known.params)
        self._marks, self._shown_by = marks, shown_by
        self._withdraw, self._system = withdraw, system
        self._ended = False

    @property
    def last_step(self) -> int:
        """Of the newest report recorded, or shown of a child; -1 before the first."""
        return max(self._recorder.last_step, int(self._metrics.get(STEP, -1)))

    def report(self, report: Report, prefix: str = "", time: int | None = None) -> None:
        """Record metrics, genotypes and samples, unless this step is recorded already.

        `prefix` is that of the metrics where a run has several curves; `time` is when the report came,
        milliseconds since 1970, where that is not now.
        """
        if entry := self._recorder.entry(report, prefix):
            marks = {} if prefix else self._marks.of(entry.metrics, self._metrics.get(BEST))
            system = self._system() if self._system and time is None else {}
            update = {"metrics": entry.metrics | marks | system, **({"time": time} if time else {})}
            self._record(entry.model_copy(update=update))

    def _record(self, entry: Entry) -> None:
        """Write metrics here, and first to the parent: a driver killed in between comes again to both."""
        self._withdraw = None
        if self._shown_by:
            self._shown_by.parent.curves(entry, self._shown_by)
        self._outbox.put(entry)
        self._metrics |= entry.metrics

    def curves(self, entry: Entry, shown: ShownBy) -> None:
        """Show what a child records, in this run, at the child's step; each step once."""
        self._withdraw = None
        step_key = f"{shown.prefix}{STEP}"
        metrics = {
            f"{shown.prefix}{name}": value
            for name, value in entry.metrics.items()
            if name != STEP and not name.startswith(SYSTEM) and (shown.only is None or name in shown.only)
        }
        if metrics and entry.step > self._metrics.get(step_key, -1):
            mine = Entry(time=entry.time, step=entry.step, metrics=metrics | {step_key: float(entry.step)})
            self._record(mine)

    def genotypes(self, genotypes: Mapping[str, Genotype]) -> None:
        """Record what this run trains, with drawings."""
        known = self._recorder.genotypes
        new = {
            network: genotype
            for network, genotype in genotypes.items()
            if network not in known or differing_edges(known[network], genotype)
        }
        if new:
            self._put_architecture(new, step=0)
            self._recorder.genotypes |= new

    def _put_architecture(self, genotypes: Mapping[str, Genotype], step: int) -> None:
        entry = architecture(genotypes, step)
        params = {name: value for each in genotypes.values() for name, value in edge_params(each).items()}
        new, changed = self.news(params)
        self._outbox.put(entry.model_copy(update={"params": new, "tags": entry.tags | changed}))
        self._params |= new

    def news(self, params: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Params that the run lacks, and tags for changed ones: MLflow keeps a param's first value."""
        known = self._params
        new = {name: value for name, value in params.items() if name not in known}
        changed = {
            f"advnas.changed.{name}": value
            for name, value in params.items()
            if known.get(name, value) != value
        }
        return new, changed

    def scores(self, scores: Mapping[str, float], protocol: Mapping[str, str]) -> None:
        """Record the result of an evaluation at the newest step, and how it was measured."""
        step = max(self.last_step, 0)
        metrics, tags = finite(scores, step)
        metrics |= self._marks.of(metrics, self._metrics.get(BEST))
        metrics = {name: value for name, value in metrics.items() if self._metrics.get(name) != value}
        tags |= {f"advnas.score.{name}": value for name, value in protocol.items()}
        self._outbox.put(Entry(step=step, metrics=metrics, tags=tags))
        self._metrics |= metrics
        if scores:
            self._withdraw = None

    def points(self, metrics: Mapping[str, float], step: int) -> None:
        """Record metrics whose steps are not those of a training, such as the numbers of trials."""
        self._withdraw = None
        kept, tags = finite(metrics, step)
        self._outbox.put(Entry(step=step, metrics=kept, tags=tags))

    def image(self, key: str, png: bytes, step: int, time: int | None = None) -> None:
        """Record an image of a step, for MLflow's view of images, and as the newest under its name."""
        when = {"time": time} if time else {}
        self._outbox.put(Entry(step=step, images={key: png}, files={f"{key}.png": png}, **when))

    def dataset(self, name: str, content_hash: str) -> None:
        """Record which images the run sees."""
        self._outbox.put(Entry(dataset=Dataset(name=name, fingerprint=content_hash)))

    def link_checkpoint(self, path: Path) -> None:
        """Record where the newest checkpoint lies; it is not copied."""
        self.tag({"advnas.checkpoint": str(path)})

    def tag(self, tags: Mapping[str, str]) -> None:
        """Record short facts (device, workers, ...)."""
        self._outbox.put(Entry(tags=dict(tags)))

    def artifact(self, path: str, content: str | bytes) -> None:
        """Record a file under that path of the run."""
        self._outbox.put(Entry(files={path: content.encode() if isinstance(content, str) else content}))

    def files(self, content: Mapping[str, bytes]) -> None:
        """Record several files by their paths, in one write."""
        if content:
            self._outbox.put(Entry(files=dict(content)))

    def finish(
        self,
        status: Status,
        error: BaseException | None = None,
        patience: float = PATIENCE,
        time: int | None = None,
    ) -> None:
        """End the run, once; wait a while for a store that does not answer, then say where the data lies.

        Ctrl-C cuts the waiting short, not the recording. A run that a mistake or Ctrl-C has ended before any
        work was done is taken back. `time` is when it ended, milliseconds since 1970, where that is not now.

        Raises:
            TrackingError: neither the store takes the end nor the disk; after an error it is only a warning.
        """
        if self._ended:
            return
        self._ended = True
        if self._withdraw and isinstance(error, UserError | KeyboardInterrupt):
            self._withdraw()
            return
        try:
            with finishing() as hurried:
                self._end(status, error, time)
                sent = self._outbox.drain(0 if isinstance(error, TrackingError) else patience, hurried)
        except TrackingError as failure:
            if error is None:
                raise
            logger.warning("%s; until then MLflow shows the run as running", failure)
            return
        if not sent:
            logger.warning(
                "MLflow run %s is incomplete: %d writes wait in %s; starting the run again sends them",
                self.name, len(self._outbox.waiting()), self._outbox.folder,
            )  # fmt: skip

    def _end(self, status: Status, error: BaseException | None, time: int | None) -> None:
        tags = {ERROR_TAG: f"{type(error).__name__}: {one_line(error)}"} if error else {}
        self._outbox.put(Entry(status=status, tags=tags, **({"time": time} if time else {})))
        if self._recorder.reported:
            self._put_architecture(self._recorder.reported, max(self.last_step, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish("FINISHED")
        else:
            self.finish("FAILED" if isinstance(error, Exception) else "KILLED", error)
