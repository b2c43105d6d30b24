"""Scores that survive the process: written as they come, read instead of being trained again."""

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orchestrator.selection.source import CurveSource, Request

COLUMNS = ("genotype", "seed", "step", "score")
"""Those of a table that can be replayed, so that a journal is one."""


class Journal:
    """A CSV file with one line a score; an empty score is a run that diverged or failed.

    One process writes it. A line that a crash cut short is dropped.
    """

    def __init__(self, path: Path, recorded: Callable[[], None] = lambda: None) -> None:
        """`recorded` is called after every new score."""
        self._path, self._recorded = path, recorded
        self.known: dict[Request, float | None] = {}
        self._restore()

    def record(self, request: Request, score: float | None) -> None:
        """Keep a score, on disk before this returns. One that is known already stays."""
        if request in self.known:
            return
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow(
                [*request, "" if score is None else repr(float(score))]
            )
            file.flush()
            os.fsync(file.fileno())
        self.known[request] = score
        self._recorded()

    def _restore(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text or not whole:
            self._path.write_text(whole or ",".join(COLUMNS) + "\n", encoding="utf-8")
        for row in csv.DictReader(whole.splitlines()):
            request = Request(row["genotype"], int(row["seed"]), int(row["step"]))
            self.known[request] = float(row["score"]) if row["score"] else None


class Remembered:
    """A source that asks another only for what its journal does not know."""

    def __init__(self, source: CurveSource, journal: Journal) -> None:
        self._source = source
        self._journal = journal

    def scores(self, requests: Sequence[Request]) -> Mapping[Request, float | None]:
        """Scores from the journal, the others from the source; these are recorded."""
        unknown = [request for request in requests if request not in self._journal.known]
        if unknown:
            answers = self._source.scores(unknown)
            for request in unknown:
                self._journal.record(request, answers[request])
        return {request: self._journal.known[request] for request in requests}
