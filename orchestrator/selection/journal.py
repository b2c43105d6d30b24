"""The journal of a selection: scores are written as they arrive and read again after an interruption."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.config.errors import ConfigError
from orchestrator.config.identity import IDENTITY_FILE, require_equal
from orchestrator.config.renamed import modern_identity
from orchestrator.selection.result import CurveSource, Request, Selection, to_rows
from trainers.files import sync, written_whole

if TYPE_CHECKING:
    from orchestrator.checkpoints.object_store import ObjectStoreCopy

COLUMNS = ("genotype", "seed", "step", "score")
"""The columns of a table that can be replayed: a journal is such a table."""


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
            sync(file)
        self.known[request] = score
        self._recorded()

    def _restore(self) -> None:
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text or not whole:
            with written_whole(self._path) as file:
                file.write((whole or ",".join(COLUMNS) + "\n").encode())
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


SCORES_FILE = "scores.csv"


def open_journal(
    folder: Path, identity: Mapping[str, Any], copy: "ObjectStoreCopy | None", precision: str = "auto"
) -> Journal:
    """The scores so far, those of the folder's copy where it is new here; the copy gets every further one.

    Raises:
        ConfigError: they were made with another recipe.
        MirrorError: the store of the copy cannot be reached, or refuses.
    """
    if copy is None:
        require_same_identity(folder, identity, precision=precision)
        return Journal(folder / SCORES_FILE)
    copy.fetch_files(SCORES_FILE, IDENTITY_FILE)
    require_same_identity(folder, identity, precision=precision)
    return Journal(folder / SCORES_FILE, lambda: copy.send_files(SCORES_FILE, IDENTITY_FILE))


def write_ranking(selection: Selection, folder: Path) -> Mapping[str, Path]:
    """The whole selection as JSON, and its rows as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = {"selection": folder / "selection.json", "ranking": folder / "ranking.parquet"}
    files["selection"].write_text(selection.model_dump_json(indent=2), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(to_rows(selection)), files["ranking"])
    return files


def require_same_identity(
    folder: Path, identity: Mapping[str, Any], what: str = "selection", precision: str = "auto"
) -> None:
    """Refuse to put scores beside those of another recipe; the first time, write down which it is.

    `precision` is the option as given, see `modern_identity`.

    Raises:
        ConfigError: names the first setting that differs.
    """
    path = folder / IDENTITY_FILE
    current = json.loads(json.dumps(identity))
    if not path.exists():
        with written_whole(path) as file:
            file.write(json.dumps(current, indent=2).encode())
        return
    saved = modern_identity(json.loads(path.read_text(encoding="utf-8")), current, precision)
    require_equal(saved, current, f"the {what} in {folder}", ConfigError)
