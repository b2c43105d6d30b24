"""One MLflow run, from the driver's side."""

import logging
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from orchestrator.tracking.entry import Dataset, Entry, Status
from orchestrator.tracking.outbox import Outbox
from orchestrator.tracking.recording import Recorder, architecture, finite
from orchestrator.tracking.store import TrackingError
from search_space.errors import one_line
from search_space.genotype import Genotype, differing_edges
from trainers.interruption import finishing
from trainers.report import Report

logger = logging.getLogger(__name__)

ERROR_TAG = "advnas.error"
PATIENCE = 30.0
"""Seconds that the end of a run waits for a store that does not answer."""


class TrackedRun:
    """Writes to one run by its id: nothing of MLflow's global state is used, so any thread may.

    As a context it ends the run: FINISHED, FAILED with the error as a tag, or KILLED when interrupted.
    """

    def __init__(
        self, run_id: str, name: str, outbox: Outbox, recorder: Recorder, metrics: Mapping[str, float]
    ):
        self.run_id, self.name = run_id, name
        self._outbox, self._recorder = outbox, recorder
        self._metrics = dict(metrics)
        """Newest value of each, to write a score once."""
        self._ended = False

    @property
    def last_step(self) -> int:
        """Step of the newest recorded report; -1 before the first."""
        return self._recorder.last_step

    def report(self, report: Report) -> None:
        """Record metrics, genotypes and samples, unless this step is recorded already."""
        if entry := self._recorder.entry(report):
            self._outbox.put(entry)
            self._metrics |= entry.metrics

    def genotypes(self, genotypes: Mapping[str, Genotype]) -> None:
        """Record what this run trains, with drawings."""
        known = self._recorder.genotypes
        new = {
            network: genotype
            for network, genotype in genotypes.items()
            if network not in known or differing_edges(known[network], genotype)
        }
        if new:
            self._outbox.put(architecture(new, step=0))
            self._recorder.genotypes |= new

    def scores(self, scores: Mapping[str, float], protocol: Mapping[str, str]) -> None:
        """Record the result of an evaluation at the newest step, and how it was measured."""
        step = max(self.last_step, 0)
        metrics, tags = finite(scores, step)
        metrics = {name: value for name, value in metrics.items() if self._metrics.get(name) != value}
        tags |= {f"advnas.score.{name}": value for name, value in protocol.items()}
        self._outbox.put(Entry(step=step, metrics=metrics, tags=tags))
        self._metrics |= metrics

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

    def finish(self, status: Status, error: BaseException | None = None, patience: float = PATIENCE) -> None:
        """End the run, once; wait a while for a store that does not answer, then say where the data lies.

        Ctrl-C cuts the waiting short, not the recording.

        Raises:
            TrackingError: neither the store takes the end nor the disk; after an error it is only a warning.
        """
        if self._ended:
            return
        self._ended = True
        try:
            with finishing() as hurried:
                self._end(status, error)
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

    def _end(self, status: Status, error: BaseException | None) -> None:
        tags = {ERROR_TAG: f"{type(error).__name__}: {one_line(error)}"} if error else {}
        self._outbox.put(Entry(status=status, tags=tags))
        if self._recorder.reported:
            self._outbox.put(architecture(self._recorder.reported, self.last_step))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish("FINISHED")
        else:
            self.finish("FAILED" if isinstance(error, Exception) else "KILLED", error)
