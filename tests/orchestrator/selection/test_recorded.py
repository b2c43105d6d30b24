import pytest

from orchestrator.selection.recorded import RecordedCurves, Unrecorded
from orchestrator.selection.result import Candidate, Request
from orchestrator.selection.tables.wide_table import TableError
from tests.orchestrator.selection.tables import NAN, curves_of

CURVES = curves_of(
    {
        (1, 5): {10: 1.0, 20: 2.0, 30: 3.0},
        (1, 2): {10: 4.0, 20: NAN},
        (2, 0): {10: 5.0, 30: 6.0},
        (3, 0): {10: 7.0, 20: 8.0},
        (3, 1): {10: 9.0, 20: 8.5, 30: 8.0},
    }
)


def test_candidates_are_the_genotypes_with_their_own_seeds() -> None:
    assert RecordedCurves(CURVES, (10, 30)).candidates() == [
        Candidate("[[1]]", (2, 5), "1"),
        Candidate("[[2]]", (0,), "2"),
        Candidate("[[3]]", (0, 1), "3"),
    ]


def test_scores_are_those_recorded_and_none_where_a_run_had_diverged() -> None:
    source = RecordedCurves(CURVES, (10, 30))
    requests = [Request("[[1]]", 5, 30), Request("[[1]]", 2, 30)]
    assert source.scores(requests) == dict(zip(requests, (3.0, None), strict=True))


def test_a_run_that_ended_without_diverging_has_no_score_to_tell() -> None:
    with pytest.raises(Unrecorded) as unrecorded:
        RecordedCurves(CURVES, (10, 30)).scores([Request("[[1]]", 5, 30), Request("[[3]]", 0, 30)])
    assert unrecorded.value.runs == {("[[3]]", 0)}


def test_a_run_with_a_gap_at_a_rung_is_left_out() -> None:
    source = RecordedCurves(CURVES, (10, 20))
    assert [candidate.genotype for candidate in source.candidates()] == ["[[1]]", "[[3]]"]
    assert source.usable.tolist().count(False) == 1


def test_a_diverged_run_with_gaps_is_not_left_out() -> None:
    curves = curves_of({(1, 0): {10: 1.0, 20: 2.0}, (2, 0): {10: NAN, 30: NAN}, (3, 0): {10: 1.0, 20: 2.0}})
    source = RecordedCurves(curves, (10, 20))
    assert (len(source.candidates()), source.usable.all()) == (3, True)


def test_a_step_that_is_not_recorded_is_refused_with_those_that_are() -> None:
    with pytest.raises(TableError, match=r"^rungs: step 15 is not recorded; recorded steps: 10, 20, 30$"):
        RecordedCurves(CURVES, (10, 15))


def test_a_step_that_few_runs_recorded_is_refused_too() -> None:
    curves = curves_of(
        {(number, 0): {10: 1.0, 20: 1.0} for number in range(4)} | {(9, 0): {15: 1.0, 20: 1.0}}
    )
    with pytest.raises(TableError, match=r"step 15 is recorded in 1 of 5 runs only; recorded steps: 10, 20$"):
        RecordedCurves(curves, (15, 20))


def test_many_recorded_steps_are_listed_shortened() -> None:
    curves = curves_of({(1, 0): dict.fromkeys(range(1, 1001), 1.0)})
    with pytest.raises(TableError, match=r"1, 2, .*, 15, \.\.\. \(1000 in all\), 997, 998, 999, 1000$"):
        RecordedCurves(curves, (2000,))


def test_rungs_that_no_run_has_together_are_refused() -> None:
    curves = curves_of({(1, 0): {10: 1.0, 30: 1.0}, (2, 0): {20: 1.0, 30: 1.0}})
    with pytest.raises(
        TableError, match="no run has a score at each of 10, 20, 30; choose others, as in --rungs 10,30"
    ):
        RecordedCurves(curves, (10, 20, 30))
