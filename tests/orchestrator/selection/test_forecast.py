"""What a selection will still train, foretold before every comparison and compared with what it came to."""

import numpy as np
import pytest

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.forecast import Remaining
from orchestrator.selection.policy import remaining, select, settle
from orchestrator.selection.result import Request
from tests.orchestrator.selection.sources import candidates

END = 600


class Course:
    """Noisy scores that fall with training; before every answer it is foretold what is left."""

    def __init__(self, members, config):
        self._members, self._config = members, config
        self._random = np.random.default_rng(5)
        self._quality = {member.genotype: self._random.normal() for member in members}
        self.known, self.foretold = {}, []

    def scores(self, requests):
        before = remaining(self._members, self.known, self._config)
        self.foretold.append((self.trained, len(self.known), before))
        for request in requests:
            luck = self._random.normal(size=2)
            place = 0.7 * self._quality[request.genotype] + 0.7 * luck[0]
            share = request.step / END
            self.known.setdefault(
                request, 20 + 200 * np.exp(-3 * share) + 3 * (place + (1 - share) * luck[1])
            )
        return {request: self.known[request] for request in requests}

    @property
    def trained(self):
        reached = {}
        for genotype, seed, step in self.known:
            reached[genotype, seed] = max(reached.get((genotype, seed), 0), step)
        return sum(reached.values())


def course(policy, members, **options):
    config = settle(SelectionConfig(policy=policy, **options), lambda share: max(1, round(share * END)))
    found = Course(members, config)
    select(members, found, config)
    return found


@pytest.mark.parametrize("count", [4, 20])
@pytest.mark.parametrize(
    ("policy", "options"),
    [
        ("halving", {}),
        ("halving", {"rungs": (60, 300, 600), "max_repeats": 1}),
        ("halving", {"budget": 0.5}),
        ("random", {}),
        ("full", {"repeats": 2}),
    ],
)
def test_the_total_is_right_within_a_fifth_from_a_tenth_of_the_way_on(policy, options, count):
    found = course(policy, candidates([f"g{number}" for number in range(count)], seeds=3), **options)
    late = [(done, left) for done, _, left in found.foretold if done >= 0.1 * found.trained]
    for done, left in late or [(found.foretold[0][0], found.foretold[0][2])]:
        assert done + left.steps == pytest.approx(found.trained, rel=0.2)


def test_asha_over_many_is_foretold_within_a_fifth_too():
    found = course("asha", candidates([f"g{number}" for number in range(20)], seeds=3), batch=4)
    for done, _, left in found.foretold:
        assert done + left.steps == pytest.approx(found.trained, rel=0.2)


def test_without_repeats_a_halving_is_known_to_the_step_from_the_beginning():
    """Four to step 60, two of them to step 300: 4 * 60 + 2 * 240."""
    config = SelectionConfig(rungs=(60, 300), keep=0.5, max_repeats=1)
    assert remaining(candidates("abcd"), {}, config) == Remaining(steps=720, trainings=6)


def test_known_scores_are_not_trained_again():
    config = SelectionConfig(rungs=(60, 300), keep=0.5, max_repeats=1)
    known = {
        Request(genotype, 0, 60): score for genotype, score in zip("abcd", (9.0, 3.0, 5.0, 7.0), strict=True)
    }
    assert remaining(candidates("abcd"), known, config) == Remaining(steps=480, trainings=2)
    known[Request("b", 0, 300)] = 1.0
    assert remaining(candidates("abcd"), known, config) == Remaining(steps=240, trainings=1)


def test_a_run_that_diverged_does_not_confuse_it():
    config = SelectionConfig(rungs=(60, 300), keep=0.5, max_repeats=1)
    known = {Request("a", 0, 60): None, Request("b", 0, 60): float("inf"), Request("c", 0, 60): 2.0}
    assert remaining(candidates("abcd"), known, config).steps >= 60 + 240


def test_freeze_thaw_spends_its_budget():
    """A quarter of 8 * 600 steps, less what was trained."""
    config = settle(SelectionConfig(policy="freeze_thaw"), lambda share: round(share * END))
    members = candidates([f"[[{number}]]" for number in range(8)])
    assert remaining(members, {}, config).steps == 1200
    known = {Request("[[0]]", 0, 24): 9.0, Request("[[0]]", 0, 60): 8.0, Request("[[1]]", 0, 24): 7.0}
    assert remaining(members, known, config).steps == 1200 - 84
