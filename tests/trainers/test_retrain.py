"""The retraining loop: updates, learning rates, clipping, and that stopping and going on changes no bit."""

import copy
import io
import math

import pytest
import torch

from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.discriminator import Discriminator
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.sampling import sample_genotype
from tests.trainers.small import BATCH, CPU, differing, images, no_scores, retrain_config, retrain_state
from trainers.datasets.batches import Batches
from trainers.guarded_step import GuardedStep, NonFiniteLoss
from trainers.noise import SeededNoise
from trainers.options import AdamConfig, ComputeConfig
from trainers.retrain import retrain, retrain_step
from trainers.retrain_state import build_networks

pytestmark = pytest.mark.usefixtures("unchecked_shapes")


def batches(seed=0) -> Batches:
    return Batches(images(), BATCH, seed)


def start(config, state, evaluate=no_scores, seed=0):
    return retrain(state, batches(seed), config, seed, evaluate)


def finished(config, evaluate=no_scores, *, derived=False):
    """State and reports of an uninterrupted retraining."""
    state = retrain_state(config, derived=derived)
    return state, list(start(config, state, evaluate))


def one_step(state, config, real=None, descent=None):
    real = batches().at(state.step) if real is None else real
    draws = SeededNoise(0, state.step, 6, CPU)
    return retrain_step(state, real, draws, config, ComputeConfig(), descent or GuardedStep(CPU))


def moved(state, before) -> set[str]:
    return {
        part
        for part in ("generator", "discriminator", "ema_generator")
        for name, parameter in getattr(state, part).named_parameters()
        if not torch.equal(parameter, before[part][name])
    }


class TestUpdates:
    def test_generator_waits_for_every_n_critic_th_step(self):
        config = retrain_config(n_critic=2)
        state, history = retrain_state(config), []
        for _ in range(3):
            before = copy.deepcopy(state.state_dict())
            history.append("loss_generator" in one_step(state, config))
            assert (moved(state, before) == {"discriminator"}) != history[-1]
        assert history == [True, False, True]

    def test_the_whole_real_batch_is_used(self):
        seen, config = [], retrain_config()
        state = retrain_state(config)
        state.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
        one_step(state, config)
        real_and_fake, fake = seen
        assert torch.equal(real_and_fake[:BATCH], batches().at(0))
        assert (len(real_and_fake), len(fake)) == (2 * BATCH, BATCH)

    def test_moving_average_follows_the_generator(self):
        config = retrain_config(ema_decay=0.75)
        state = retrain_state(config)
        before = state.ema_generator.to_image.bias.clone()
        one_step(state, config)
        expected = 0.75 * before + 0.25 * state.generator.to_image.bias
        torch.testing.assert_close(state.ema_generator.to_image.bias, expected.detach())

    @pytest.mark.parametrize(("derived", "kind"), [(False, FixedDiscriminator), (True, Discriminator)])
    def test_discriminator_is_the_fixed_one_unless_one_was_derived(self, derived, kind):
        state, reports = finished(retrain_config(steps=1), derived=derived)
        assert type(state.discriminator) is kind
        assert math.isfinite(reports[0].metrics["loss_generator"])


class TestLearningRate:
    def rates(self, config):
        state, rates = retrain_state(config), []
        for _ in range(4):
            one_step(state, config)
            rates.append([state.optimizers[p].param_groups[0]["lr"] for p in ("generator", "discriminator")])
        return rates

    def test_stays_unless_told_to_decay(self):
        assert self.rates(retrain_config()) == [[2e-4, 2e-4]] * 4

    def test_decays_linearly_from_its_own_start_for_each_network(self):
        config = retrain_config(lr_decay="linear", generator_optimizer=AdamConfig(lr=4e-4))
        expected = [[4e-4 * share, 2e-4 * share] for share in (1, 0.75, 0.5, 0.25)]
        assert self.rates(config) == [pytest.approx(rates) for rates in expected]


class TestClipping:
    def gradient_norms(self, clip, monkeypatch):
        norms = []

        def recording(parameters, limit, **options):
            before = clip_grad_norm(parameters, limit, **options).item()
            norms.append((before, torch.stack([p.grad.norm() for p in parameters]).norm().item()))

        clip_grad_norm = torch.nn.utils.clip_grad_norm_
        monkeypatch.setattr("trainers.guarded_step.nn.utils.clip_grad_norm_", recording)
        config = retrain_config(clip_gradient_norm=clip)
        one_step(retrain_state(config), config)
        return norms

    def test_both_networks_are_clipped(self, monkeypatch):
        for before, after in self.gradient_norms(1e-6, monkeypatch):
            assert before > 1e-6
            assert after == pytest.approx(1e-6, rel=1e-2)

    def test_small_gradients_are_left_alone(self, monkeypatch):
        for before, after in self.gradient_norms(1e6, monkeypatch):
            assert before == pytest.approx(after, rel=1e-5)

    def test_is_off_by_default(self, monkeypatch):
        assert self.gradient_norms(None, monkeypatch) == []


class TestReports:
    def test_come_every_few_steps_and_at_the_end(self):
        _, reports = finished(retrain_config(steps=5, report_every=2))
        assert [report.step for report in reports] == [2, 4, 5]
        assert all(report.genotypes == {} for report in reports)
        assert reports[0].samples.shape == (64, 1, 16, 16)
        losses = {"loss_discriminator", "loss_generator", "score_real", "score_fake"}
        assert set(reports[0].metrics) == losses | {"images_per_second"}

    def test_scores_are_reported_when_there_are_any(self):
        _, reports = finished(
            retrain_config(steps=2, report_every=1), lambda step, _: {"fid": 9.0} if step == 2 else {}
        )
        assert [report.metrics.get("fid") for report in reports] == [None, 9.0]

    def test_what_is_evaluated_is_the_moving_average_in_evaluation_mode(self):
        """Its images do not depend on which others are generated with them."""
        images = []

        def evaluate(_, sample):
            z = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
            with torch.no_grad():
                images.extend([sample(z)[:1], sample(z[:1])])
            return {}

        state, _ = finished(retrain_config(steps=2), evaluate)
        torch.testing.assert_close(*images)
        assert torch.equal(state.ema_generator.norm.running_mean, state.generator.norm.running_mean)
        assert state.generator.training


class TestGoingOn:
    @pytest.mark.parametrize("derived", [False, True])
    def test_at_any_report_gives_what_never_stopping_gives_bit_by_bit(self, derived):
        config = retrain_config(
            steps=5, report_every=1, n_critic=2, lr_decay="linear", clip_gradient_norm=1.0
        )
        expected, expected_reports = finished(config, derived=derived)
        state, reports = retrain_state(config, derived=derived), []
        while state.step < config.steps:
            reports.append(next(start(config, state)))
            file = io.BytesIO()
            torch.save(state.state_dict(), file)
            file.seek(0)
            state = retrain_state(config, seed=state.step, derived=derived)
            state.load_state_dict(torch.load(file, weights_only=True))
        assert differing(state.state_dict(), expected.state_dict()) == []
        for found, report in zip(reports, expected_reports, strict=True):
            assert found.step == report.step
            assert found.metrics["loss_discriminator"] == report.metrics["loss_discriminator"]
            assert torch.equal(found.samples, report.samples)


@pytest.mark.parametrize("deferred", [False, True])
def test_loss_that_is_not_finite_is_named_and_moves_nothing(deferred):
    config = retrain_config()
    state, descent = retrain_state(config), GuardedStep(CPU, deferred=deferred)
    one_step(state, config, descent=descent)
    before = copy.deepcopy(state.state_dict())
    bad = torch.full((BATCH, 1, 16, 16), torch.nan)

    def step_and_check():
        one_step(state, config, bad, descent)
        descent.check()

    with pytest.raises(NonFiniteLoss, match="the discriminator update is not finite at step 2 on rank 0"):
        step_and_check()
    assert moved(state, before) <= {"ema_generator"}
    for phase in ("generator", "discriminator"):
        key = f"{phase}_optimizer"
        assert differing(state.state_dict()[key]["state"], before[key]["state"]) == []
    assert all(p.isfinite().all() for p in state.ema_generator.parameters())


class TestReleasedWays:
    """Options with which a retraining computes what the released script computes."""

    @pytest.mark.parametrize(("separate", "iterations"), [(True, 2), (False, 1)])
    def test_separate_forwards_make_two_power_iterations_an_update(self, separate, iterations):
        config = retrain_config(n_critic=2, separate_forwards=separate)
        state = retrain_state(config)
        state.step = 1  # of D alone
        convolution = state.discriminator.blocks[1].conv1
        matrix, u = convolution.weight.detach().flatten(2)[0].double(), convolution.u[0].double()
        for _ in range(iterations):  # Miyato et al. 2018, algorithm 1
            v = (matrix.T @ u) / (matrix.T @ u).norm()
            u = (matrix @ v) / (matrix @ v).norm()
        one_step(state, config)
        torch.testing.assert_close(convolution.u[0].double(), u, rtol=1e-5, atol=1e-6)

    def test_separate_forwards_descend_the_loss_of_one_after_the_other(self):
        config = retrain_config(n_critic=2, separate_forwards=True)
        state = retrain_state(config)
        state.step = 1
        twin, real = copy.deepcopy(state), batches().at(1)
        found = one_step(state, config, real)
        with torch.no_grad():
            fake = twin.generator(SeededNoise(0, 1, 6, CPU).latents("discriminator", BATCH))
            of_real, of_fake = twin.discriminator(real), twin.discriminator(fake)
        expected = (1 - of_real).relu().mean() + (1 + of_fake).relu().mean()
        assert float(found["loss_discriminator"]) == pytest.approx(float(expected), rel=1e-5)

    def test_initialisation_of_the_released_scripts_on_a_gpu(self):
        """Measured on the released code: deviations of D's kernels are 0.578 of xavier's."""
        genotypes = {"generator": sample_genotype("generator", 1)}
        widths = GeneratorConfig(channels=64, image_channels=3), DiscriminatorConfig(channels=64)
        plain, released = (
            build_networks(*widths, genotypes, seed=0, initialisation=way) for way in ("xavier", "released")
        )
        kernels = [d.blocks[2].conv1.weight.detach() for _, d in (plain, released)]
        assert float(kernels[1].std() / kernels[0].std()) == pytest.approx(0.578, abs=0.01)
        assert float(kernels[1].abs().max()) <= (64 * 9) ** -0.5, "PyTorch's default"
        weights = [g.norm.weight.detach() for g, _ in (plain, released)]
        assert bool((weights[0] == 1).all())
        assert float(weights[1].mean()) == pytest.approx(1, abs=0.01)
        assert 0.014 < float(weights[1].std()) < 0.026
        convolutions = [g.to_image.weight for g, _ in (plain, released)]
        assert torch.equal(*convolutions), "xavier reaches G"
