from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.result import Candidate, Divergence, Request
from orchestrator.selection.rung import CandidateRuns, Comparison
from tests.orchestrator.selection.sources import Scripted

CONFIG = SelectionConfig(rungs=(10, 30))
GONE = Divergence(seed=1, step=10, score=None, reason="no finite score")
VETERAN = CandidateRuns(Candidate("old", (0, 1, 2, 3)), alive=(0,), trained=10, diverged=(GONE,))
NEWCOMER = CandidateRuns(Candidate("new", (5, 6)))
SOURCE = Scripted(
    {("old", seed): {30: 1.0 + seed} for seed in range(4)} | {("new", 5): {30: 4.0}, ("new", 6): {}}
)


def comparison() -> Comparison:
    return Comparison([VETERAN, NEWCOMER], 30, CONFIG)


def test_runs_go_on_and_new_ones_make_up_the_number_of_which_diverged_ones_count() -> None:
    asked = comparison().to_reach(3)
    assert asked == [
        Request("old", 0, 30),
        Request("old", 2, 30),
        Request("new", 5, 30),
        Request("new", 6, 30),
    ]
    assert comparison().to_reach(1) == [Request("old", 0, 30), Request("new", 5, 30)]


def test_only_steps_beyond_the_last_rung_cost_unless_a_run_is_new() -> None:
    assert comparison().cost([Request("old", 0, 30)]) == 20
    assert comparison().cost([Request("old", 2, 30)]) == 30


def test_one_more_run_is_the_next_seed_until_none_is_left() -> None:
    growing = comparison()
    asked = []
    while request := growing.one_more("old"):
        asked.append(request.seed)
        growing.train([request], SOURCE)
    assert asked == [2, 3]
    assert growing.steps_trained == 60


def test_ranked_candidates_hold_the_scores_and_all_divergences_so_far() -> None:
    growing = comparison()
    growing.train(growing.to_reach(2), SOURCE)
    old, new = growing.ranked()
    assert (old.candidate.genotype, old.scores, old.diverged) == ("old", {0: 1.0}, (GONE,))
    assert (new.candidate.genotype, new.scores, new.runs) == ("new", {5: 4.0}, 2)
    assert [(each.seed, each.step, each.reason) for each in new.diverged] == [(6, 30, "no finite score")]
