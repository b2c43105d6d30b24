"""One step of the search: what each update moves, what it is fed, and what our defaults do differently.

That the numbers are right is shown against a slow twin in tests/reference.
"""

import copy
import math

import pytest
import torch

from search_space.relaxation import relax
from search_space.stacked import StackedConvolution
from tests.trainers.small import CPU, Given, adversarial, differing, halves, search_config, search_state
from trainers.guarded_step import PHASES, NonFiniteLoss
from trainers.noise import SeededNoise

pytestmark = pytest.mark.usefixtures("unchecked_shapes")

PARTS = ("generator", "discriminator", "alpha", "beta", "ema_generator", "ema_alpha")


class RecordedDraws(SeededNoise):
    """Seeded draws that remember what they were asked for."""

    def __init__(self, step: int = 0) -> None:
        super().__init__(0, step, latent_dim=6, device=CPU)
        self.asked_latents: list[tuple[str, int]] = []
        self.asked_noise: list[tuple[str, int, str]] = []

    def latents(self, phase, count):
        self.asked_latents.append((phase, count))
        return super().latents(phase, count)

    def noise(self, phase, forward, architecture):
        self.asked_noise.append((phase, forward, architecture.network))
        return super().noise(phase, forward, architecture)


def moved(state, before) -> set[str]:
    """Parts of which a parameter has changed."""
    changed = set()
    for part in PARTS:
        for name, parameter in getattr(state, part).named_parameters():
            if not torch.equal(parameter, before[part][name]):
                changed.add(part)
    return changed


def run(config, steps: int = 1, state=None):
    """The state after some steps, and the draws of the last one."""
    state = state or search_state(config)
    step = adversarial(state, config).step
    for index in range(steps):
        draws = RecordedDraws(index)
        step(Given(*halves()), draws)
    return state, draws


class TestUpdates:
    def test_all_four_are_made_in_the_published_order(self):
        _, draws = run(search_config())
        assert tuple(phase for phase, _ in draws.asked_latents) == PHASES
        assert PHASES == ("beta", "discriminator", "alpha", "generator")

    def test_generator_and_alpha_wait_for_every_n_critic_th_step(self):
        config = search_config(n_critic=3)
        state = search_state(config)
        step, history = adversarial(state, config).step, []
        for index in range(4):
            before = copy.deepcopy(state.state_dict())
            losses = step(Given(*halves()), SeededNoise(0, index, 6, CPU))
            history.append((moved(state, before), "loss_generator" in losses, "loss_alpha" in losses))
        everything, players = set(PARTS), {"discriminator", "beta"}
        assert history == [
            (everything, True, True),
            (players, False, False),
            (players, False, False),
            (everything, True, True),
        ]

    def test_weights_train_alone_during_warm_up(self):
        config = search_config(warmup_steps=2)
        state = search_state(config)
        step = adversarial(state, config).step
        start = copy.deepcopy(state.state_dict())
        for index in range(2):
            losses = step(Given(*halves()), SeededNoise(0, index, 6, CPU))
            assert not {"loss_alpha", "loss_beta"} & set(losses)
        assert moved(state, start) == {"generator", "discriminator", "ema_generator"}
        step(Given(*halves()), SeededNoise(0, 2, 6, CPU))
        assert moved(state, start) == set(PARTS)

    @pytest.mark.parametrize("phase", PHASES)
    def test_each_update_moves_nothing_but_what_it_is_named_after(self, phase):
        config = search_config()
        state = search_state(config)
        for other in set(PHASES) - {phase}:
            state.optimizers[other].param_groups[0].update(lr=0.0, weight_decay=0.0)
        before = copy.deepcopy(state.state_dict())
        run(config, state=state)
        average = {"generator": {"ema_generator"}, "alpha": {"ema_alpha"}}.get(phase, set())
        assert moved(state, before) == {phase} | average

    def test_all_of_alpha_and_beta_that_exists_moves(self):
        state = search_state(search_config())
        before = copy.deepcopy(state.state_dict())
        state, _ = run(search_config(), steps=2, state=state)
        for part in ("alpha", "beta"):
            module = getattr(state, part)
            assert (module.normal != before[part]["normal"])[module.mask("normal")].all()
            assert (module.resample != before[part]["resample"]).all()

    def test_moving_average_follows_by_a_thousandth(self):
        config = search_config(ema_decay=0.75)
        state = search_state(config)
        before = copy.deepcopy(state.state_dict())
        run(config, state=state)
        for name in ("latents.0.weight", "to_image.bias"):
            average, live = state.ema_generator.get_parameter(name), state.generator.get_parameter(name)
            torch.testing.assert_close(average, 0.75 * before["ema_generator"][name] + 0.25 * live)


class TestWhatUpdatesAreFed:
    def test_batches_are_halved_for_d_and_whole_for_g(self):
        _, draws = run(search_config(batch_size=4, generator_batch_size=6))
        assert dict(draws.asked_latents) == {"beta": 2, "discriminator": 2, "alpha": 6, "generator": 6}

    def test_beta_sees_the_architecture_half_and_d_the_weights_half(self):
        seen = []
        config = search_config()
        state = search_state(config)
        state.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
        weights_half, architecture_half = halves()
        adversarial(state, config).step(Given(weights_half, architecture_half), RecordedDraws())
        for images, half in zip(seen[:2], (architecture_half, weights_half), strict=True):
            assert torch.equal(images[: len(half)], half)

    def test_every_forward_of_a_step_is_at_the_tau_of_that_step(self, monkeypatch):
        taus = []

        def recording(architecture, mode, tau, noise, *, masked):
            taus.append(float(tau))  # a tensor, overwritten by the next step
            return relax(architecture, mode, tau, noise, masked=masked)

        monkeypatch.setattr("trainers.strategies.adversarial.relax", recording)
        run(search_config(steps=3), steps=3)
        assert sorted(set(taus), reverse=True) == pytest.approx([5.0, 0.5**0.5, 0.1])

    def test_softmax_search_draws_no_noise(self):
        _, draws = run(search_config(relaxation="softmax"))
        assert draws.asked_noise == []


class TestSamples:
    def test_by_default_each_network_is_sampled_once_an_update(self):
        """Real and fake images meet the same sample of D."""
        _, draws = run(search_config())
        assert sorted(draws.asked_noise) == sorted(
            (phase, 0, network) for phase in PHASES for network in ("generator", "discriminator")
        )

    def test_as_released_real_and_fake_images_meet_samples_of_their_own(self):
        _, draws = run(search_config(sample_per_forward=True))
        of_d = [
            (phase, forward) for phase, forward, network in draws.asked_noise if network == "discriminator"
        ]
        assert of_d == [
            ("beta", 0),
            ("beta", 1),
            ("discriminator", 0),
            ("discriminator", 1),
            ("alpha", 0),
            ("generator", 0),
        ]

    @pytest.mark.parametrize(("sample_per_forward", "iterations"), [(False, 4), (True, 6)])
    def test_power_iterations_of_a_step_are_counted(self, sample_per_forward, iterations):
        """By default one an update, four in all; as released one a forward: real and fake images apart."""
        config = search_config(sample_per_forward=sample_per_forward)
        state = search_state(config)
        for optimizer in state.optimizers.values():
            optimizer.param_groups[0]["lr"] = 0.0
        stacks = [m for m in state.discriminator.modules() if isinstance(m, StackedConvolution)]
        twins = copy.deepcopy(stacks)
        run(config, state=state)
        for stack, twin in zip(stacks, twins, strict=True):
            for _ in range(iterations):
                twin.normalized()
            assert torch.equal(stack.u, twin.u)
            assert torch.equal(stack.v, twin.v)


class TestLossThatIsNotFinite:
    def test_it_is_named_by_phase_and_step_and_nothing_has_been_stepped(self):
        config = search_config()
        state, _ = run(config, steps=2)
        before = copy.deepcopy(state.state_dict())
        weights_half, architecture_half = halves()
        with pytest.raises(NonFiniteLoss, match="the beta update is not finite at step 3 on rank 0"):
            adversarial(state, config).step(
                Given(weights_half, architecture_half * math.nan), RecordedDraws(2)
            )
        # Power iterations and running statistics belong to forwards, which have been made.
        changed = differing(state.state_dict(), before)
        assert all(
            path.endswith((".u", ".v", ".running_mean", ".running_var", "tracked")) for path in changed
        )
        assert state.step == 2

    def test_an_update_of_the_same_step_that_came_before_it_stands(self):
        config = search_config()
        state = search_state(config)
        before = copy.deepcopy(state.state_dict())
        weights_half, architecture_half = halves()
        with pytest.raises(NonFiniteLoss, match="the discriminator update is not finite at step 1"):
            adversarial(state, config).step(
                Given(weights_half * math.nan, architecture_half), RecordedDraws()
            )
        assert moved(state, before) == {"beta"}

    def test_deferred_nothing_moves_any_more_until_the_check(self):
        config = search_config()
        state = search_state(config)
        search = adversarial(state, config, deferred=True)
        step = search.step
        step(Given(*halves()), RecordedDraws())
        before = copy.deepcopy(state.state_dict())
        weights_half, architecture_half = halves()
        step(Given(weights_half, architecture_half * math.nan), RecordedDraws(1))
        step(Given(*halves()), RecordedDraws(2))
        assert moved(state, before) <= {"ema_generator", "ema_alpha"}
        for optimizer in (f"{phase}_optimizer" for phase in PHASES):
            assert differing(state.state_dict()[optimizer], before[optimizer]) == []
        for part in PARTS:
            assert all(parameter.isfinite().all() for parameter in getattr(state, part).parameters())
        with pytest.raises(NonFiniteLoss, match="the beta update is not finite at step 2 on rank 0"):
            search.check()


def test_scores_and_their_spread_are_reported():
    state = search_state(search_config())
    losses = adversarial(state, search_config()).step(Given(*halves()), RecordedDraws())
    assert set(losses) == {
        *(f"loss_{phase}" for phase in PHASES),
        "score_real",
        "score_fake",
        "score_spread",
        "score_auc",
    }
    assert not any(value.requires_grad for value in losses.values())
