import pytest
from pydantic import ValidationError

from orchestrator.config.selection import SelectionConfig


@pytest.mark.parametrize(
    ("keep", "standing", "kept"),
    [(1 / 3, 30, 10), (1 / 3, 10, 3), (0.5, 5, 3), (0.1, 30, 3), (0.29, 100, 29), (4, 30, 4), (4, 3, 3)],
)
def test_a_share_or_a_count_of_those_standing_goes_on(keep: float, standing: int, kept: int) -> None:
    assert SelectionConfig(rungs=(1, 2), keep=keep).keeps(0, standing) == kept


def test_min_keep_go_on_however_few_stand() -> None:
    config = SelectionConfig(rungs=(1, 2), keep=0.1, min_keep=3)
    assert [config.keeps(0, standing) for standing in (20, 4, 3, 2, 1)] == [3, 3, 3, 2, 1]


def test_all_go_on_from_the_last_rung_since_nothing_is_cut_there() -> None:
    assert SelectionConfig(rungs=(1, 2)).keeps(1, 7) == 7


def test_one_value_holds_for_all_rungs_and_several_for_one_each() -> None:
    config = SelectionConfig(rungs=(1, 2, 3), keep=(0.5, 2), repeats=2, max_repeats=(2, 3, 5))
    assert [config.keeps(rung, 10) for rung in (0, 1)] == [5, 2]
    assert [config.repeats_at(rung) for rung in (0, 1, 2)] == [2, 2, 2]
    assert [config.most_repeats_at(rung) for rung in (0, 1, 2)] == [2, 3, 5]


def test_repeats_beyond_the_maximum_leave_no_room_for_more() -> None:
    assert SelectionConfig(rungs=(1,), repeats=4, max_repeats=1).most_repeats_at(0) == 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rungs": (2, 2)}, "rungs: must increase"),
        ({"rungs": ()}, "at least 1 item"),
        ({"rungs": (0, 1)}, "greater than 0"),
        (
            {"rungs": (1, 2, 3), "keep": (0.5, 0.5, 0.5)},
            r"keep: give one value, or one for each rung but the last \(2\)",
        ),
        ({"rungs": (1, 2), "repeats": (1, 2, 3)}, r"repeats: give one value, or one for each rung \(2\)"),
        ({"rungs": (1, 2), "keep": 2.5}, "keep: 2.5 is neither a share"),
        ({"rungs": (1, 2), "keep": 1}, "keep: 1 is below min_keep; use 2"),
        ({"rungs": (1, 2), "divergence_multiple": 1}, "greater than 1"),
    ],
)
def test_what_makes_no_selection_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SelectionConfig.model_validate(values)
