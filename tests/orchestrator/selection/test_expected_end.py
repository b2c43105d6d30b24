"""What freeze-thaw expects of candidates, against sums that can be done by hand."""

import numpy as np
import pytest

from orchestrator.selection.policies.expected_end import ExpectedEnd, as_observations


def test_one_who_is_like_nobody_is_expected_to_end_where_his_score_says() -> None:
    """A normal prior of 0 and 1 and an observation o with noise n give o / (1 + n) and n / (1 + n)."""
    expected, doubt = np.array([1.0, 2.0, 4.0, 9.0]), np.array([0.0, 1.0, 2.0, 3.0])
    everyone = expected.var() + doubt.mean()
    observed, noise = as_observations(expected, doubt)
    mean = observed / (1 + noise) * np.sqrt(everyone) + expected.mean()
    np.testing.assert_allclose(mean, expected, atol=1e-4)
    np.testing.assert_allclose(noise / (1 + noise) * everyone, doubt, atol=1e-4)


def test_an_early_score_leaves_as_much_doubt_as_it_did_with_those_who_have_ended() -> None:
    """Scores correlate by 0.6: hope is 0.6 of the early score less 1.5 times 0.8, in deviations."""
    random = np.random.default_rng(0)
    early = random.normal(size=40)
    late = 0.6 * early + 0.8 * random.normal(size=40)
    names = [f"net-{number}" for number in range(40)]
    first = {name: 100 + score for name, score in zip(names, early.tolist(), strict=True)}
    ends = {name: 100 + score for name, score in zip(names[:30], late.tolist(), strict=False)}
    hopes = ExpectedEnd(names).lowest([first, ends])
    stopped = np.array([hopes[name] for name in names[30:]])
    slope = np.ptp(stopped) / np.ptp(early[30:])
    assert slope == pytest.approx(0.6, abs=0.2)
    assert stopped.mean() == pytest.approx(0.6 * early[30:].mean() - 1.5 * 0.8, abs=0.4)


def test_collapsed_runs_change_nothing_for_the_others() -> None:
    names = [f"net-{number}" for number in range(20)]
    random = np.random.default_rng(1)
    scores = dict(zip(names, (20 + random.normal(size=20)).tolist(), strict=True))
    one, other = ({**scores, "net-0": worse} for worse in (80.0, 800.0))
    assert ExpectedEnd(names).lowest([one, {}]) == ExpectedEnd(names).lowest([other, {}])
