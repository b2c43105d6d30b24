"""The options of the adversarial search that the released code does not have."""

import pytest
import torch

from search_space.architecture import Architecture
from search_space.networks.cell import Cell
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.relaxation import gumbel_noise, relax
from tests.trainers.small import CPU, Given, adversarial, differing, halves, search_config, search_state
from trainers.losses.update import score_statistics
from trainers.noise import SeededNoise, generator_for

pytestmark = pytest.mark.usefixtures("unchecked_shapes")

LR = 1e-3


def stepped(config, steps: int = 1):
    state = search_state(config)
    search = adversarial(state, config)
    for index in range(steps):
        losses = search.step(Given(*halves()), SeededNoise(0, index, 6, CPU))
    return state, search, losses


def moved(config) -> set[str]:
    """Parts that a step has changed."""
    before, (after, _, _) = search_state(config), stepped(config)
    parts = ("generator", "discriminator", "alpha", "beta")
    own = [part for part in parts if getattr(before, part) is not None]
    return {
        part
        for part in own
        if differing(getattr(before, part).state_dict(), getattr(after, part).state_dict())
    }


class TestHardRelaxation:
    def relaxed(self, mode: str):
        torch.manual_seed(0)
        alpha = Architecture("generator")
        noise = gumbel_noise(alpha, generator_for(CPU, 0, "test"))
        return alpha, relax(alpha, mode, tau=0.7, noise=noise)

    def test_one_primitive_of_every_edge_has_the_whole_weight(self):
        _, hard = self.relaxed("hard")
        _, sample = self.relaxed("gumbel")
        for group, weights in hard.items():
            expected = torch.nn.functional.one_hot(sample[group].argmax(-1), weights.shape[-1])
            assert torch.equal(weights, expected.to(weights))

    def test_gradients_are_those_of_the_sample(self):
        found = []
        for mode in ("hard", "gumbel"):
            alpha, weights = self.relaxed(mode)
            factors = torch.arange(weights["normal"].numel()).view_as(weights["normal"]).float()
            (weights["normal"] * factors).sum().backward()
            found.append(alpha.normal.grad)
        assert torch.equal(*found)
        assert found[0].abs().sum() > 0

    def test_a_search_moves_alpha_and_beta_with_it(self):
        assert {"alpha", "beta"} <= moved(search_config(relaxation="hard"))


class TestLearningRatesByTaps:
    def first_moves(self, rates: str) -> dict[int, float]:
        """By kernel size, the largest move of a weight in Adam's first step, which is the learning rate."""
        config = search_config(kernel_learning_rate=rates, generator_optimizer={"lr": LR})
        before = search_state(config).generator
        after, _, _ = stepped(config)
        moves: dict[int, float] = {}
        for old, new in zip(before.modules(), after.generator.modules(), strict=True):
            if not isinstance(old, Cell):
                continue
            for name, parameter in old.named_parameters():
                if name.startswith("normal.") and name.endswith("weight"):
                    size = parameter.shape[-1]
                    move = (parameter - new.get_parameter(name)).abs().max().item()
                    moves[size] = max(moves.get(size, 0.0), move)
        return moves

    def test_the_first_step_is_nine_over_k_squared_of_the_learning_rate(self):
        expected = {1: 9 * LR, 3: LR, 5: LR * 9 / 25}
        assert self.first_moves("by_taps") == pytest.approx(expected, rel=1e-3)

    def test_it_is_the_same_for_all_kernels_by_default(self):
        assert self.first_moves("equal") == pytest.approx({1: LR, 3: LR, 5: LR}, rel=1e-3)

    def test_nothing_is_stepped_twice_or_left_out(self):
        state = search_state(search_config(kernel_learning_rate="by_taps"))
        groups = state.optimizers["generator"].param_groups
        stepped_parameters = [id(parameter) for group in groups for parameter in group["params"]]
        assert len(groups) == 3
        assert sorted(stepped_parameters) == sorted(map(id, state.generator.parameters()))


class TestFixedOpponent:
    CONFIG = search_config(opponent="fixed")

    def test_it_is_the_discriminator_of_retraining_and_only_the_generator_is_derived(self):
        state, search, losses = stepped(self.CONFIG)
        assert isinstance(state.discriminator, FixedDiscriminator)
        assert set(search.derived()) == set(search.diagnostics().probabilities) == {"generator"}
        assert "loss_beta" not in losses
        assert not any("beta" in name for name in (*state.state_dict(), *search.diagnostics().scalars))

    def test_it_and_alpha_are_trained(self):
        assert {"discriminator", "alpha", "generator"} <= moved(self.CONFIG)


def test_the_area_under_the_curve_counts_pairs_of_a_real_and_a_generated_image():
    real, fake = torch.tensor([[3.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    # 3 beats both, 1 ties with 1 and loses to 2: (2 + 1/2) of 4 pairs.
    assert float(score_statistics(real, fake)["score_auc"]) == 0.625
    assert "score_auc" not in score_statistics(real.expand(2, 16), fake.expand(2, 16))


def test_a_new_sample_for_each_batch_that_is_scored_is_an_option():
    latents = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    for per_batch in (False, True):
        _, search, _ = stepped(search_config(noise_per_batch=per_batch))
        sample, again = search.sample(), search.sample()
        with torch.no_grad():
            batches = [sample(latents), sample(latents)]
            assert torch.equal(*batches) != per_batch
            assert all(torch.equal(again(latents), batch) for batch in batches), "a function of seed and step"
