import re
from io import StringIO

from rich.console import Console, RenderableType

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policy import select
from orchestrator.selection.render import findings, render, render_replay
from orchestrator.selection.replay import replay_curves
from orchestrator.selection.result import Candidate
from tests.orchestrator.selection.sources import at_step
from tests.orchestrator.selection.tables import NAN, curves_of


def shown(what: RenderableType) -> str:
    console = Console(file=StringIO(), width=200)
    console.print(what)
    return console.file.getvalue()  # type: ignore[attr-defined]


def cells(text: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip()]


CONFIG = SelectionConfig(rungs=(1000,), repeats=2, max_repeats=2, metric="fd_digits")
SOURCE = at_step(1000, {"[[1,2]]": (5.0, 6.0), "[[/b]]": (9.0, 10.0), "c": (None, 200.0), "d": (None, None)})
SELECTION = select(
    [Candidate("[[1,2]]", (0, 1)), Candidate("[[/b]]", (0, 1)), Candidate("d", (0, 1), "eagan")],
    SOURCE,
    CONFIG,
)


def test_the_ranking_shows_scores_with_their_deviation_and_genotypes_as_they_are() -> None:
    rows = cells(shown(render(SELECTION)))
    assert ["1", "[[1,2]]", "5.5 ± 0.71", "2", "1,000", "chosen"] in rows
    assert ["2", "[[/b]]", "9.5 ± 0.71", "2", "1,000", "4 behind (5.7 standard errors)"] in rows


def test_the_diverged_are_shown_by_their_names() -> None:
    text = shown(render(SELECTION))
    assert [
        "1",
        "eagan",
        "-",
        "0 of 2",
        "1,000",
        "diverged in 2 of 2 runs: no finite score at step 1000 (seed 0)",
    ] in cells(text)
    assert text.index("Ranking by fd_digits, lower is better") < text.index("Diverged") < text.index("eagan")


def test_rungs_reason_and_cost_are_shown() -> None:
    text = shown(render(SELECTION))
    assert ["1,000", "3", "-", "2", "0", "0.71", "6,000"] in cells(text)
    assert SELECTION.reason in text.replace("\n", " ")
    assert "cost: 6,000 steps trained" in text


def test_a_long_ranking_is_cut_and_says_so() -> None:
    scores = {f"g{number:03}": (float(number),) for number in range(50)}
    many = select(
        [Candidate(genotype, (0,)) for genotype in scores],
        at_step(10, scores),
        SelectionConfig(rungs=(10,), divergence_multiple=None),
    )
    rows = cells(shown(render(many)))
    assert ["...", "30 more"] in rows
    assert sum(row[-1].endswith("behind") for row in rows) == 19


def test_a_replay_shows_what_was_missed_and_saved() -> None:
    curves = curves_of({(1, 0): {10: 1.0, 40: 4.0}, (2, 0): {10: 2.0, 40: 2.5}, (3, 0): {10: 3.0, 40: NAN}})
    report = replay_curves(curves, SelectionConfig(rungs=(10,), max_repeats=1))
    assert list(findings(report)) == [
        "regret: 1.5; the choice ends at 4, place 2 of 3; the best ends at 2.5: 2",
        "training saved: 75.0%; 30 steps instead of 120 for one run to step 40 of each genotype that took "
        "part",
        "note: genotypes without a finite score at step 40: 1, without a place in the end",
    ]
    text = shown(render_replay(report))
    assert "Against the final scores of all, at step 40" in text
    assert ["10", "3", "3", "1.00", "-1.00", "-"] in cells(text)
    assert "regret: 1.5" in text


def test_a_replay_without_a_choice_says_so() -> None:
    report = replay_curves(curves_of({(1, 0): {10: NAN}}), SelectionConfig(rungs=(10,)))
    assert next(findings(report)) == "regret: no final scores"
    assert "nothing chosen" in shown(render_replay(report))
