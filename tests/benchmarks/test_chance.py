"""Whether the search beats chance is told only where scores tell genotypes apart."""

from benchmarks.chance import report
from orchestrator.selection.result import Request

NAMES = {f"g{number}": f"search {number}" if number < 2 else f"random {number}" for number in range(8)}


def scores(second_seed):
    """Genotype n has n + 1 with the first seed, and what is given with the second."""
    first = {Request(id, 0, 10): float(number + 1) for number, id in enumerate(NAMES)}
    return first | {Request(id, 1, 10): float(score) for id, score in zip(NAMES, second_seed, strict=True)}


def test_there_is_no_verdict_where_seeds_agree_by_less_than_0_4(capsys):
    found = report(NAMES, scores([4, 8, 2, 6, 1, 5, 7, 3]), 10)
    assert found["agreement"] < 0.4
    assert "p" not in found
    assert "no verdict: seeds agree by" in capsys.readouterr().out


def test_there_is_one_where_seeds_agree(capsys):
    found = report(NAMES, scores([1, 2, 4, 3, 5, 6, 8, 7]), 10)
    assert found["agreement"] > 0.4
    assert found["wins"] == 1.0
    assert "no verdict" not in capsys.readouterr().out


def test_a_single_seed_gives_none(capsys):
    single = {request: score for request, score in scores(range(1, 9)).items() if request.seed == 0}
    assert report(NAMES, single, 10)["agreement"] is None
    assert "no verdict: seeds are too few" in capsys.readouterr().out
