"""What holds for the policy whatever the scores are."""

import math
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.repeats import planned_steps
from orchestrator.selection.policy import select
from orchestrator.selection.result import Selection
from tests.orchestrator.selection.sources import Curve, Scripted, candidates

STEPS = (10, 25, 60)
SEEDS = 3
Curves = dict[tuple[str, int], Curve]

scores = st.one_of(st.none(), st.just(math.inf), st.integers(1, 40).map(float))


@st.composite
def all_curves(draw: st.DrawFn) -> Curves:
    """2 to 12 candidates with 3 seeds each; runs diverge and recover as they like."""
    count = draw(st.integers(2, 12))
    return {
        (f"g{index:02}", seed): dict(zip(STEPS, draw(st.tuples(scores, scores, scores)), strict=True))
        for index in range(count)
        for seed in range(SEEDS)
    }


configs = st.builds(
    SelectionConfig,
    rungs=st.just(STEPS),
    keep=st.sampled_from([(0.5,), (1 / 3,), (4.0, 2.0)]),
    repeats=st.sampled_from([(1,), (2,), (1, 2, 3)]),
    max_repeats=st.sampled_from([(1,), (3,)]),
    divergence_multiple=st.sampled_from([None, 3.0]),
)


def run(curves: Curves, config: SelectionConfig) -> Selection:
    return select(candidates(sorted({genotype for genotype, _ in curves}), SEEDS), Scripted(curves), config)


@settings(max_examples=50)
@given(all_curves(), configs)
def test_exactly_as_many_are_kept_as_configured_if_so_many_have_scores(
    curves: Curves, config: SelectionConfig
) -> None:
    for index, rung in enumerate(run(curves, config).rungs):
        scored = sum(standing.mean is not None for standing in rung.standings)
        assert len(rung.kept) == min(config.keeps(index, len(rung.standings)), scored)


@settings(max_examples=50)
@given(all_curves(), configs)
def test_who_mostly_diverged_is_never_kept_over_one_who_did_not(
    curves: Curves, config: SelectionConfig
) -> None:
    for rung in run(curves, config).rungs:
        if not all(standing.is_sound for standing in rung.kept):
            assert all(standing.kept for standing in rung.standings if standing.is_sound)
        assert all(standing.mean is not None for standing in rung.kept)


@settings(max_examples=50)
@given(all_curves(), configs)
def test_the_cost_is_the_furthest_step_of_every_run_asked_for(
    curves: Curves, config: SelectionConfig
) -> None:
    source = Scripted(curves)
    selection = select(candidates(sorted({genotype for genotype, _ in curves}), SEEDS), source, config)
    furthest: dict[tuple[str, int], int] = {}
    for request in (request for batch in source.asked for request in batch):
        assert request.step > furthest.get(request[:2], 0)
        furthest[request[:2]] = request.step
    assert selection.steps_trained == sum(furthest.values())


@settings(max_examples=50)
@given(all_curves(), configs)
def test_everyone_is_ranked_once_and_the_choice_first(curves: Curves, config: SelectionConfig) -> None:
    selection = run(curves, config)
    ranked = [standing.genotype for standing in selection.ranking]
    assert sorted(ranked) == sorted({genotype for genotype, _ in curves})
    assert selection.choice is None or selection.choice in [
        each.genotype for each in selection.rungs[-1].kept[:1]
    ]
    sound = [standing.is_sound for standing in selection.ranking]
    assert sound == sorted(sound, reverse=True)


@settings(max_examples=50)
@given(all_curves(), configs, st.randoms(use_true_random=False))
def test_the_order_of_candidates_decides_nothing(
    curves: Curves, config: SelectionConfig, random: Random
) -> None:
    shuffled = candidates(sorted({genotype for genotype, _ in curves}), SEEDS)
    random.shuffle(shuffled)
    assert select(shuffled, Scripted(curves), config) == run(curves, config)


@pytest.mark.parametrize("transform", [math.sqrt, math.exp, lambda score: 3 * score - 100])
@settings(max_examples=50)
@given(curves=all_curves())
def test_single_runs_count_by_their_ranks_alone(transform: Callable[[float], float], curves: Curves) -> None:
    config = SelectionConfig(rungs=STEPS, max_repeats=1, divergence_multiple=None)
    transformed = {
        run: {step: score if score in (None, math.inf) else transform(score) for step, score in curve.items()}
        for run, curve in curves.items()
    }
    before, after = run(curves, config), run(transformed, config)
    assert [each.genotype for each in before.ranking] == [each.genotype for each in after.ranking]
    assert before.choice == after.choice


@settings(max_examples=50)
@given(all_curves(), configs, st.integers(0, 400))
def test_the_budget_is_never_exceeded(curves: Curves, config: SelectionConfig, spare: int) -> None:
    planned = planned_steps(config, len({genotype for genotype, _ in curves}))
    limited = config.model_copy(update={"budget": planned + spare})
    assert run(curves, limited).steps_trained <= planned + spare


@settings(max_examples=50)
@given(all_curves(), configs)
def test_no_candidate_is_repeated_beyond_the_maximum(curves: Curves, config: SelectionConfig) -> None:
    for index, rung in enumerate(run(curves, config).rungs):
        assert all(
            standing.runs <= max(map(config.most_repeats_at, range(index + 1))) for standing in rung.standings
        )
