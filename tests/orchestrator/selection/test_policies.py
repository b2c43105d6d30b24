"""What every policy does, whatever it is; and what each of them does of its own."""

import numpy as np
import pytest

from orchestrator.config.errors import ConfigError
from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.draws import compare_policies
from orchestrator.selection.journal import Journal, Remembered
from orchestrator.selection.policies.registry import POLICIES
from orchestrator.selection.policy import select, settle
from orchestrator.selection.recorded import RecordedCurves
from orchestrator.selection.result import SelectionError
from tests.orchestrator.selection.known_truth import noisy_curves
from tests.orchestrator.selection.sources import Scripted, candidates

STEPS = (10, 30, 60, 100)
NAMES = [f"[[{first},{second}]]" for first in range(4) for second in range(4)]


def scripted() -> Scripted:
    """The lower the sum of a genotype's numbers the better, the more so the longer it trains."""
    return Scripted(
        {
            (name, 0): {step: 10 + sum(map(int, name.strip("[]").split(","))) * step / 10 for step in STEPS}
            for name in NAMES
        }
    )


def config(policy: str, **options: object) -> SelectionConfig:
    return SelectionConfig.model_validate(
        {"policy": policy, "rungs": STEPS, "keep": 0.5, "max_repeats": 1, **options}
    )


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "random"])
def test_each_finds_the_best_where_scores_tell_it(policy):
    assert select(candidates(NAMES), scripted(), config(policy)).choice == "[[0,0]]"


@pytest.mark.parametrize("policy", POLICIES)
def test_each_goes_on_where_it_was_stopped(policy, tmp_path):
    whole = select(candidates(NAMES), scripted(), config(policy))

    class Dies(Scripted):
        def scores(self, requests):
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return super().scores(requests)

    source = scripted()
    dying = Dies(source._curves)
    path = tmp_path / "scores.csv"
    try:
        select(candidates(NAMES), Remembered(dying, Journal(path)), config(policy))
    except KeyboardInterrupt:
        assert len(Journal(path).known) > 0
    assert select(candidates(NAMES), Remembered(source, Journal(path)), config(policy)) == whole
    asked_again = {request for batch in source.asked for request in batch}
    assert not asked_again & {request for batch in dying.asked for request in batch}


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "full"])
@pytest.mark.parametrize("budget", [0.3, 0.5])
def test_none_trains_more_than_its_budget_and_two_finish(policy, budget):
    selection = select(candidates(NAMES), scripted(), config(policy, budget=budget))
    assert selection.steps_trained <= budget * len(NAMES) * STEPS[-1]
    assert sum(bool(each.scores) for each in selection.rungs[-1].standings) >= 2
    assert selection.best_run is not None
    assert selection.best_run.step == STEPS[-1]


@pytest.mark.parametrize("policy", ["halving", "asha", "freeze_thaw"])
def test_a_finalist_that_collapses_is_replaced_by_the_next_one(policy):
    source = scripted()
    for name in ("[[0,0]]", "[[0,1]]"):
        source._curves[name, 0] = {**source._curves[name, 0], 100: None}
    selection = select(candidates(NAMES), source, config(policy, keep=[0.5, 0.5, 2.0], budget=0.9))
    finished = [each.genotype for each in selection.rungs[-1].standings if each.scores]
    assert len(finished) >= 2
    assert selection.choice in ("[[1,0]]", "[[0,2]]", "[[1,1]]", "[[2,0]]")


def test_finalists_that_all_end_far_worse_than_they_were_are_replaced_too():
    curves = {("a", 0): {10: 5.0, 20: 90.0}, ("b", 0): {10: 6.0, 20: 95.0}, ("c", 0): {10: 7.0, 20: 6.0}}
    halving = SelectionConfig(rungs=(10, 20), keep=2, max_repeats=1)
    assert select(candidates("abc"), Scripted(curves), halving).choice == "c"


def test_a_random_share_is_trained_to_the_end_and_nobody_else():
    source = scripted()
    select(candidates(NAMES), source, config("random", budget=0.25))
    assert [len(batch) for batch in source.asked] == [4]
    assert {request.step for request in source.asked[0]} == {100}


def test_an_unknown_policy_is_refused_with_those_that_are_known():
    with pytest.raises(
        ConfigError, match=r"select\.policy = luck: unknown; use halving, asha, random, full, fre"
    ):
        select(candidates(NAMES), scripted(), config("luck"))


def test_freeze_thaw_says_what_its_screening_takes():
    # 16 to step 10, and one on to 100.
    message = "budget = 249: screening 16 candidates and finishing one takes 250 steps"
    with pytest.raises(SelectionError, match=message):
        select(candidates(NAMES), scripted(), config("freeze_thaw", budget=249))
    assert select(candidates(NAMES), scripted(), config("freeze_thaw", budget=250)).choice is not None


def test_rungs_may_be_shares_of_the_training():
    settled = settle(SelectionConfig(rungs=(0.04, 0.4, 1)), lambda share: round(share * 750_000))
    assert settled.rungs == (30_000, 300_000, 750_000)
    assert SelectionConfig(rungs=(1, 2)).steps == (1, 2)
    with pytest.raises(ValueError, match=r"rungs: give training steps, or shares of the training, not both"):
        SelectionConfig(rungs=(1.0, 20))


def test_the_known_table_is_as_noisy_as_trainings_of_cifar10_were():
    curves = noisy_curves(2000, 1000)
    scores = curves.score.reshape(-1, 24)
    sound = scores[:, -1] < 28
    assert 1 - sound.mean() == pytest.approx(0.10, abs=0.02)
    for column, expected in ((1, 0.46), (4, 0.67), (7, 0.79), (9, 0.84)):
        found = np.corrcoef(scores[sound, column], scores[sound, -1])[0, 1]
        assert found == pytest.approx(expected, abs=0.06)


def test_with_little_to_spend_halving_screens_all_keeps_about_a_fifth_and_finishes_two():
    def stood(budget):
        config = SelectionConfig(
            rungs=(10, 20, 100, 170, 240), keep=(0.5, 0.6, 0.5, 0.6), budget=budget, max_repeats=1
        )
        source = RecordedCurves(noisy_curves(50, 0), config.steps)
        selection = select(source.candidates(), source, config)
        assert selection.steps_trained <= budget * 50 * 240
        return [len(rung.standings) for rung in selection.rungs]

    first, *screened, late, last = stood(1 / 8)
    assert (first, late, last) == (50, 2, 2)
    assert len(set(screened)) == 1, "nobody is dropped between the first rung and 40 %"
    assert 0.12 * 50 <= screened[0] <= 0.25 * 50
    assert stood(0.4) == [50, 25, 15, 8, 5], "shares that the budget pays for stay"


@pytest.mark.parametrize("policy", ["asha", "freeze_thaw"])
def test_several_at_once_are_decided_on_together_within_the_budget(policy):
    source, alone = scripted(), scripted()
    selection = select(candidates(NAMES), source, config(policy, budget=0.5, batch=3))
    select(candidates(NAMES), alone, config(policy, budget=0.5))
    screening = len(NAMES) if policy == "freeze_thaw" else 3
    sizes = [len(batch) for batch in source.asked]
    assert 3 in sizes
    assert max(sizes) == screening
    assert len(source.asked) < len(alone.asked)
    assert selection.steps_trained <= 0.5 * len(NAMES) * STEPS[-1]
    requests = [request for batch in source.asked for request in batch]
    assert len(set(requests)) == len(requests), "nothing is trained twice"
    assert all(len({each.genotype for each in batch}) == len(batch) for batch in source.asked)
    assert sum(bool(each.scores) for each in selection.rungs[-1].standings) >= 2
    again = select(candidates(NAMES[::-1]), scripted(), config(policy, budget=0.5, batch=3))
    assert again.choice == selection.choice, "the order in which candidates are given decides nothing"


def test_policies_compared_on_the_known_table_are_as_far_apart_as_on_real_ones():
    configs = [
        SelectionConfig(policy=policy, budget=0.25, max_repeats=1) for policy in ("halving", "asha", "random")
    ]
    report = compare_policies(noisy_curves(), configs, draws=100, of=50)
    regret = {each.policy: each.regret for each in report.policies}
    assert regret["halving"] < regret["random"]
    assert all(each.cost <= 0.25 + 1e-9 for each in report.policies)
    assert all(each.low <= each.regret <= each.high for each in report.policies)
    assert report == compare_policies(noisy_curves(), configs, draws=100, of=50)
