"""All that a run has recorded, put together from its file of records."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.tracking.run import ERROR_TAG
from orchestrator.tracking.sending.entry import Dataset, Status
from orchestrator.tracking.sending.records import SUFFIX, Head, Named, Records

Point = tuple[str, int]
"""Name of a metric, and step."""
ELSEWHERE = ("mlartifacts", "cache", "mlruns")
"""Folders below a root that hold no runs."""


@dataclass
class History:
    """The records of one run, put together."""

    head: Head
    folder: Path
    """That the run's stages are in."""
    run_ids: set[str] = field(default_factory=set)
    """All that it had: in a new database a run that goes on begins anew."""
    whole: bool = True
    points: dict[Point, dict[int, float]] = field(default_factory=dict)
    """Values by time: a score that was measured again has two at its step."""
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes | None] = field(default_factory=dict)
    """By artifact path; None where the content is too large to be kept here."""
    images: set[Point] = field(default_factory=set)
    dataset: Dataset | None = None
    status: Status | None = None
    """How it ended; None where it did not."""
    latest: int = 0
    """When it was told something last, milliseconds since 1970."""

    _of_lost_run: set[Point] = field(default_factory=set)
    """Points that a run which began anew tells again."""

    def _go_on(self, head: Head) -> None:
        """Take in the head of a run that is opened again."""
        self.run_ids.add(head.run_id)
        self.whole = self.whole and head.whole
        if head.run_id != self.head.run_id:
            self._of_lost_run = set(self.points)
        self.head, self.status = head.model_copy(update={"began": min(head.began, self.head.began)}), None
        self.tags.pop(ERROR_TAG, None)

    def _add(self, named: Named) -> None:
        entry = named.entry
        for name, value in entry.metrics.items():
            point = name, entry.step
            if point in self._of_lost_run:
                self._of_lost_run.remove(point)
                self.points.pop(point)
            self.points.setdefault(point, {})[entry.time] = value
        self.params = {**entry.params, **self.params}
        self.tags |= entry.tags
        self.files |= {**entry.files, **dict.fromkeys(named.large)}
        self.images |= {(key, entry.step) for key in named.images}
        self.dataset = entry.dataset or self.dataset
        self.status = entry.status or self.status
        self.latest = max(self.latest, entry.time)


def histories(root: Path) -> list[History]:
    """The histories of all runs below a root, in the order in which they began."""
    found = (_history(path) for path in _files(root))
    return sorted((each for each in found if each), key=lambda history: history.head.began)


def _files(root: Path) -> Iterable[Path]:
    for top in sorted(root.iterdir()):
        if top.is_dir() and top.name not in ELSEWHERE:
            yield from sorted(top.rglob(f"*{SUFFIX}"))


def _history(path: Path) -> History | None:
    history: History | None = None
    for line in Records(path).read():
        if isinstance(line, Head):
            if history is None:
                history = History(line, path.parent, whole=line.whole)
            history._go_on(line)
        elif history is not None:
            history._add(line)
    return history
