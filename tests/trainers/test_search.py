"""The search loop: what it reports and when, and that stopping and going on changes no bit."""

import io

import pytest
import torch

from search_space.genotype import Genotype
from search_space.relaxation import derive, relax
from tests.trainers.small import (
    adversarial,
    differing,
    no_scores,
    search_batches,
    search_config,
    search_setup,
    search_state,
)
from trainers.guarded_step import NonFiniteLoss
from trainers.options import ComputeConfig
from trainers.search import search
from trainers.strategies.adversarial import AdversarialSearch
from trainers.ticks import watched_by

pytestmark = pytest.mark.usefixtures("unchecked_shapes")


def start(config, state, evaluate=no_scores, seed=0):
    return search(
        adversarial(state, config, seed=seed), search_batches(seed), search_setup(config, seed), evaluate
    )


def finished(config, evaluate=no_scores, seed=0):
    """State and reports of an uninterrupted search."""
    state = search_state(config, seed)
    return state, list(start(config, state, evaluate, seed))


def through_a_file(state):
    """The state as a checkpoint gives it back."""
    file = io.BytesIO()
    torch.save(state.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def without_clock(metrics):
    return {name: value for name, value in metrics.items() if name != "images_per_second"}


class TestReports:
    def test_come_every_few_steps_and_at_the_end(self):
        _, reports = finished(search_config(steps=5, report_every=2))
        assert [report.step for report in reports] == [2, 4, 5]

    def test_out_of_turn_come_when_they_are_wanted_and_change_nothing(self):
        expected, _ = finished(search_config(steps=5, report_every=3))
        with watched_by(lambda step: step == 2):
            state, reports = finished(search_config(steps=5, report_every=3))
        assert [report.step for report in reports] == [2, 3, 5]
        assert differing(state.state_dict(), expected.state_dict()) == []

    def test_hold_losses_progress_genotypes_and_samples(self):
        state, (report,) = finished(search_config(steps=2))
        assert {"loss_discriminator", "loss_generator", "loss_alpha", "loss_beta"} <= set(report.metrics)
        assert {"score_real", "score_fake", "score_spread", "images_per_second"} <= set(report.metrics)
        assert report.metrics["tau"] == pytest.approx(0.1)
        assert 0 < report.metrics["entropy_alpha"] <= 1
        assert 0 < report.metrics["entropy_beta"] <= 1
        assert report.samples.shape == (64, 1, 16, 16)
        assert report.samples.dtype == torch.uint8
        expected = derive(state.beta)
        assert report.genotypes["discriminator"] == expected
        assert isinstance(report.genotypes["generator"], Genotype)

    def test_reporting_less_often_averages_metrics_and_changes_nothing_else(self):
        state, each = finished(search_config(steps=4, report_every=1))
        other, pairs = finished(search_config(steps=4, report_every=2))
        assert differing(state.state_dict(), other.state_dict()) == []
        for number, report in enumerate(pairs):
            for name in ("loss_discriminator", "loss_generator"):
                values = [each[2 * number + i].metrics[name] for i in range(2)]
                assert report.metrics[name] == pytest.approx(sum(values) / 2, rel=1e-5)

    def test_evaluation_is_asked_at_every_report_and_its_scores_are_reported(self):
        asked = []

        def evaluate(step, sample):
            asked.append((step, tuple(sample(torch.zeros(3, 6)).shape)))
            return {"fd_digits": 7.0} if step == 4 else {}

        _, reports = finished(search_config(steps=4, report_every=2), evaluate)
        assert asked == [(2, (3, 1, 16, 16)), (4, (3, 1, 16, 16))]
        assert ["fd_digits" in report.metrics for report in reports] == [False, True]

    def test_what_is_evaluated_is_the_moving_average_in_evaluation_mode(self):
        found, z = [], torch.ones(2, 6)

        def evaluate(_, sample):
            found.append(sample(z))
            return {}

        state, _ = finished(search_config(steps=2, relaxation="softmax"), evaluate)
        average = relax(state.ema_alpha, "softmax")
        assert torch.equal(found[0], state.ema_generator.eval()(z, average))
        assert torch.equal(state.ema_generator.norm.running_mean, state.generator.norm.running_mean)
        assert not torch.equal(found[0], state.generator.eval()(z, relax(state.alpha, "softmax")))


class TestGoingOn:
    CONFIG = search_config(steps=5, report_every=2, n_critic=2)

    @pytest.fixture(scope="class")
    def uninterrupted(self):
        return finished(self.CONFIG)

    @pytest.mark.parametrize("stop_at", [2, 4])
    def test_at_any_report_gives_what_never_stopping_gives_bit_by_bit(self, stop_at, uninterrupted):
        config, (expected, expected_reports) = self.CONFIG, uninterrupted
        interrupted = search_state(config)
        for report in start(config, interrupted):
            if report.step == stop_at:
                break
        resumed = search_state(config, seed=9)
        resumed.load_state_dict(through_a_file(interrupted))
        reports = list(start(config, resumed))
        assert differing(resumed.state_dict(), expected.state_dict()) == []
        later = [report for report in expected_reports if report.step > stop_at]
        assert [report.step for report in reports] == [report.step for report in later]
        for found, report in zip(reports, later, strict=True):
            assert without_clock(found.metrics) == without_clock(report.metrics)
            assert torch.equal(found.samples, report.samples)
            assert found.genotypes == report.genotypes

    def test_global_random_numbers_have_no_part_in_it(self):
        torch.manual_seed(1)
        first, _ = finished(search_config(steps=1))
        torch.manual_seed(2)
        second, _ = finished(search_config(steps=1))
        assert differing(first.state_dict(), second.state_dict()) == []

    def test_a_finished_search_does_nothing_more(self):
        config = search_config(steps=1)
        state, _ = finished(config)
        assert list(start(config, state)) == []

    def test_another_seed_gives_other_numbers(self):
        first, _ = finished(search_config(steps=1), seed=0)
        second, _ = finished(search_config(steps=1), seed=1)
        assert len(differing(first.state_dict(), second.state_dict())) > 100


class TestContinuingFromTheMovingAverage:
    """A released quirk: after each evaluation weights and alpha jump back."""

    @pytest.mark.parametrize(("quirk", "jumps"), [(True, True), (False, False)])
    def test_happens_only_if_told_to(self, quirk, jumps):
        config = search_config(steps=2, continue_from_ema=quirk)
        state, _ = finished(config, lambda *_: {"fd_digits": 1.0})
        live, average = dict(state.generator.named_parameters()), dict(state.ema_generator.named_parameters())
        assert all(torch.equal(live[name], average[name]) for name in live) == jumps
        assert torch.equal(state.alpha.normal, state.ema_alpha.normal) == jumps

    def test_genotypes_are_derived_before(self, monkeypatch):
        """As released: what is retrained is what the live alpha says, not its average."""
        calls = []
        config = search_config(steps=1, continue_from_ema=True)
        for name in ("derived", "diagnostics", "scored"):
            own = getattr(AdversarialSearch, name)
            monkeypatch.setattr(
                AdversarialSearch, name, lambda self, own=own, name=name: (calls.append(name), own(self))[1]
            )
        finished(config, lambda *_: {"fd_digits": 1.0})
        assert calls == ["diagnostics", "derived", "scored"]

    def test_needs_an_evaluation(self):
        state, _ = finished(search_config(steps=2, continue_from_ema=True))
        assert not torch.equal(state.alpha.normal, state.ema_alpha.normal)


def test_all_forms_search_alike():
    """Rounding apart: after two steps no loss differs by more than single precision explains."""
    losses = {}
    for form in ("op_by_op", "direct"):
        config = search_config(steps=2, report_every=1)
        setup = search_setup(config, compute=ComputeConfig(backend=form))
        reports = list(search(config.strategy.build(setup), search_batches(), setup, no_scores))
        losses[form] = [report.metrics["loss_discriminator"] for report in reports]
    assert losses["direct"] == pytest.approx(losses["op_by_op"], rel=1e-4)


def test_loss_that_is_not_finite_ends_the_search_at_its_step():
    config = search_config(steps=4, report_every=1)
    state = search_state(config)
    reports = start(config, state)
    next(reports)
    state.generator.to_image.bias.data.fill_(torch.nan)
    with pytest.raises(NonFiniteLoss, match="step 2 on rank 0"):
        next(reports)
    assert state.step == 1
