import pytest
from pydantic import ValidationError

from trainers.config import SearchConfig
from trainers.strategies.adversarial_config import AdversarialConfig


def test_tau_falls_exponentially_from_5_to_a_tenth():
    config = AdversarialConfig()
    expected = [5 * 50 ** (-step / 4) for step in range(5)]
    assert [config.tau(step, 5) for step in range(5)] == pytest.approx(expected)
    assert (config.tau(0, 5), config.tau(4, 5)) == pytest.approx((5.0, 0.1))


def test_tau_has_the_same_ratio_between_all_neighbouring_steps():
    config = AdversarialConfig(tau_start=2.0, tau_end=0.5)
    ratios = [config.tau(step + 1, 100) / config.tau(step, 100) for step in range(99)]
    assert ratios == pytest.approx([0.25 ** (1 / 99)] * 99)


def test_one_step_is_at_the_starting_tau():
    assert AdversarialConfig().tau(0, 1) == 5


def test_generator_is_updated_in_the_first_step_and_every_n_critic_after_it():
    config = SearchConfig(n_critic=3)
    assert [step for step in range(10) if config.updates_generator(step)] == [0, 3, 6, 9]


def test_defaults_are_the_published_values():
    """Table in section 2 of the specification."""
    config = SearchConfig()
    assert (config.batch_size, config.generator_batch_size, config.n_critic) == (120, 120, 5)
    for optimizer in (config.generator_optimizer, config.discriminator_optimizer):
        assert (optimizer.lr, optimizer.betas, optimizer.weight_decay) == (2e-4, (0, 0.9), 0)
    for optimizer in (config.strategy.alpha_optimizer, config.strategy.beta_optimizer):
        assert (optimizer.lr, optimizer.betas, optimizer.weight_decay) == (3e-4, (0.5, 0.999), 1e-4)
    assert config.ema_decay == 0.999


def test_defaults_have_none_of_the_released_quirks():
    config = AdversarialConfig()
    assert SearchConfig().strategy == config
    assert config.relaxation == "gumbel"
    assert config.mask_image_edges
    assert not config.sample_per_forward
    assert not config.continue_from_ema


def test_batch_without_halves_is_refused():
    with pytest.raises(ValidationError, match="batch_size: has no equal halves"):
        SearchConfig(batch_size=3)
