"""The loop of an evolution: ask, score, record, tell; and what a person sees of it."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.console.console import Console
from orchestrator.console.progress import UNKNOWN, in_words
from orchestrator.evolution.fitness import Fitness, Scores
from orchestrator.selection.curves import genotype_id, short_name
from search_space.evolution.evolution import Evolution
from search_space.genotype import Genotype
from trainers.files import append_entry, json_lines
from trainers.report import Report

if TYPE_CHECKING:
    from rich.console import RenderableType

SCORED_FILE = "scored.jsonl"
"""In the folder of an evolution: a line for each candidate whose scores are known."""
SHOWN = 10
"""The best candidates, in the live table."""


class ScoredJournal:
    """Scores by content hash, on disk as soon as they are known. One process writes it."""

    def __init__(self, path: Path, recorded: Callable[[], None] = lambda: None) -> None:
        """`recorded` is called after every new candidate."""
        self._path, self._recorded = path, recorded
        self.known: dict[str, Scores] = {
            entry["hash"]: _scores(entry["scores"]) for entry in json_lines(path, "hash", "scores")
        }

    def record(self, genotype: Genotype, scores: Scores) -> None:
        """Keep a candidate's scores."""
        values = [score if math.isfinite(score) else None for score in scores]
        append_entry(
            self._path, {"hash": genotype.content_hash, "id": genotype_id(genotype), "scores": values}
        )
        self.known[genotype.content_hash] = scores
        self._recorded()


def _scores(values: list[float | None]) -> Scores:
    return tuple(math.nan if value is None else value for value in values)


def evolve(
    evolution: Evolution,
    together: int,
    fitness: Fitness,
    journal: ScoredJournal,
    board: "Board",
    told: Callable[[Report], None],
) -> None:
    """Score candidates until all are; those that the journal knows are not scored again.

    Killed at any point, the same call comes to the same candidates: they are asked for in generations, whose
    scores are told in the order of asking, whichever was known first.
    """
    while not evolution.finished:
        asked = evolution.ask_together(together)
        missing = [one for one in asked if one.content_hash not in journal.known]
        board.awaits(len(asked) - len(missing))
        for genotype, scores in fitness(missing):
            journal.record(genotype, scores)
            board.scored(genotype, scores)
        for genotype in asked:
            evolution.tell(genotype, journal.known[genotype.content_hash])
        board.told(bool(missing))
        told(Report(len(evolution.scored), metrics_of(evolution, board.judge)))


def metrics_of(evolution: Evolution, judge: str) -> dict[str, float]:
    """How far it has come, and how those who score agree on the first population."""
    broken = sum(any(map(math.isnan, scores)) for _, scores in evolution.scored)
    found = {
        "candidates": float(len(evolution.scored)),
        "candidates_without_score": float(broken),
        "best_fitness": min(evolution.fitness()),
    }
    if (agreement := evolution.agreement()) is not None:
        found[f"{judge}s_agree"] = agreement
    return found


class Board:
    """The best candidates so far, redrawn while others are scored: a table on a terminal, lines in a log."""

    def __init__(self, evolution: Evolution, judge: str, console: Console) -> None:
        self._evolution, self.judge, self._console = evolution, judge, console
        self._began, self._here, self._new = time.monotonic(), 0, 0

    def awaits(self, known: int) -> None:
        """A generation is about to be scored, of which so many were before."""
        self._new = known

    def scored(self, genotype: Genotype, scores: Scores) -> None:
        """A candidate's scores have come."""
        self._new += 1
        self._here += 1
        if any(map(math.isnan, scores)):
            name = short_name(genotype_id(genotype))
            self._console.say(f"evolve: {name} has no score ({_listed(scores)}): it counts as the worst")

    def told(self, new: bool) -> None:
        """A generation is complete; where there is no terminal, a line says so."""
        self._new = 0
        if new:
            self._console.say(f"evolve: {self.summary()}")

    def summary(self) -> str:
        """How many, the best, the time left."""
        total, done = self._evolution.config.candidates, len(self._evolution.scored) + self._new
        best = min(self._evolution.fitness()) if self._evolution.scored else math.inf
        found = f", best fitness {best:.2f}" if math.isfinite(best) else ""
        pace = (time.monotonic() - self._began) / self._here if self._here else None
        left = in_words(pace * (total - done)) if pace else UNKNOWN
        return f"{done} of {total} candidates{found}, {left} left"

    def __rich__(self) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        return Group(self.table(), Text(f"evolve: {self.summary()}"))

    def table(self) -> "RenderableType":
        """The best candidates."""
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False)
        for heading in (
            "rank",
            "genotype",
            "came",
            "fitness",
            f"log score of each {self.judge}",
            "parameters",
        ):
            table.add_column(heading)
        evolution = self._evolution
        ranked = sorted(enumerate(evolution.fitness()), key=lambda each: each[1])[:SHOWN]
        for rank, (number, fitness) in enumerate(ranked, start=1):
            genotype, scores = evolution.scored[number]
            came = f"{origin(evolution, number)} {number + 1}"
            table.add_row(
                f"{rank}", short_name(genotype_id(genotype)), came, f"{fitness:.2f}", _listed(scores),
                f"{evolution.parameters(genotype):,}",
            )  # fmt: skip
        return table


def origin(evolution: Evolution, number: int) -> str:
    """How a candidate came about."""
    return "random" if number < evolution.config.random else "child"


def _listed(scores: Scores) -> str:
    return " ".join(f"{score:.2f}" for score in scores)
