"""Two workers divide the samples and take rank 0's word."""

import pytest
from torch import distributed

from search_space.errors import UserError
from tests.trainers.metrics.workers import TwoWorkers
from trainers.distributed import from_rank_zero, share_of
from trainers.metrics.errors import ScoreError


def share() -> list[int]:
    return list(share_of(7))


def fail_on_rank_zero() -> str:
    def fail() -> str:
        raise ScoreError("only rank 0 looked")

    try:
        return from_rank_zero(fail)
    except ScoreError as error:
        return str(error)


def test_shares_cover_all_samples_once(two_workers: TwoWorkers) -> None:
    first, second = two_workers.run(share)
    assert first + second == list(range(7))


def test_a_mistake_seen_by_rank_zero_stops_all(two_workers: TwoWorkers) -> None:
    assert two_workers.run(fail_on_rank_zero) == ["only rank 0 looked"] * 2


def own_rank() -> int:
    return from_rank_zero(distributed.get_rank)


def test_what_rank_zero_made_is_everyones(two_workers: TwoWorkers) -> None:
    assert two_workers.run(own_rank) == [0, 0]


def too_few() -> None:
    with pytest.raises(UserError, match="1 images cannot be scored by 2 workers"):
        share_of(1)


def test_a_worker_without_a_sample_is_refused(two_workers: TwoWorkers) -> None:
    assert two_workers.run(too_few) == [None, None]


def test_one_process_scores_everything() -> None:
    assert share_of(5) == range(5)
    assert from_rank_zero(lambda: "made") == "made"
