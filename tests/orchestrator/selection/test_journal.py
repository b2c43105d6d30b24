from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.curves import Curves
from orchestrator.selection.journal import Journal, Remembered
from orchestrator.selection.policy import select
from orchestrator.selection.result import Request
from tests.orchestrator.selection.sources import Scripted, candidates

ONE, OTHER = Request("[[1,2],[3,4]]", 0, 10), Request("[[1,2],[3,4]]", 7, 10)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "selection" / "scores.csv"


def test_scores_are_known_to_the_next_process_to_the_last_digit(path: Path) -> None:
    journal = Journal(path)
    journal.record(ONE, 0.1 + 0.2)
    journal.record(OTHER, None)
    assert Journal(path).known == {ONE: 0.1 + 0.2, OTHER: None}


def test_a_score_that_is_known_stays(path: Path) -> None:
    journal = Journal(path)
    journal.record(ONE, 5.0)
    journal.record(ONE, 6.0)
    assert Journal(path).known == {ONE: 5.0}


@pytest.mark.parametrize("cut", range(1, 24))
def test_a_line_cut_short_by_a_crash_is_dropped(path: Path, cut: int) -> None:
    Journal(path).record(ONE, 5.0)
    whole = path.read_bytes()
    Journal(path).record(OTHER, 6.25)
    path.write_bytes(path.read_bytes()[:-cut])
    journal = Journal(path)
    assert journal.known == {ONE: 5.0}
    assert path.read_bytes() == whole
    journal.record(OTHER, 6.25)
    assert Journal(path).known == {ONE: 5.0, OTHER: 6.25}


def test_a_header_cut_short_is_written_again(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("genotype,se")
    Journal(path).record(ONE, 5.0)
    assert Journal(path).known == {ONE: 5.0}


def test_a_journal_is_a_table_that_can_be_replayed(path: Path) -> None:
    journal = Journal(path)
    journal.record(ONE, 5.0)
    journal.record(OTHER, None)
    curves = Curves.read(path)
    assert curves.genotypes == ("[[1,2],[3,4]]",)
    assert curves.seed.tolist() == [0, 7]
    assert str(curves.score.tolist()) == "[5.0, nan]"


class Dying:
    """A source that fails after some batches, as a machine that goes down."""

    def __init__(self, source: Scripted, batches: int) -> None:
        self._source, self._left = source, batches

    def scores(self, requests: Sequence[Request]) -> Mapping[Request, float | None]:
        if self._left == 0:
            raise ConnectionError
        self._left -= 1
        return self._source.scores(requests)


@pytest.mark.parametrize("batches", [0, 1, 2, 3])
def test_a_selection_goes_on_where_it_stopped_and_asks_for_nothing_twice(path: Path, batches: int) -> None:
    curves = {
        (genotype, seed): {10: float(place + seed), 20: float(place * seed), 40: 9.0 - place - seed}
        for place, genotype in enumerate("abcdef", start=1)
        for seed in range(3)
    }
    config = SelectionConfig(rungs=(10, 20, 40), keep=0.5)
    undisturbed = Scripted(curves)
    expected = select(candidates("abcdef", 3), undisturbed, config)
    assert len(undisturbed.asked) > 3
    source = Scripted(curves)
    with pytest.raises(ConnectionError):
        select(candidates("abcdef", 3), Remembered(Dying(source, batches), Journal(path)), config)
    assert select(candidates("abcdef", 3), Remembered(source, Journal(path)), config) == expected
    assert source.asked == undisturbed.asked
