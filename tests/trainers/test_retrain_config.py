import pytest

from trainers.config import RetrainConfig


def test_learning_rates_stay_unless_told_to_decay():
    config = RetrainConfig(steps=10)
    assert [config.lr_factor(step) for step in range(10)] == [1] * 10


def test_linear_decay_ends_one_step_above_zero():
    config = RetrainConfig(steps=4, lr_decay="linear")
    assert [config.lr_factor(step) for step in range(4)] == pytest.approx([1, 0.75, 0.5, 0.25])


def test_defaults_are_the_published_values_for_cifar10():
    config = RetrainConfig()
    assert (config.steps, config.batch_size, config.generator_batch_size) == (750_000, 40, 80)
    assert (config.n_critic, config.ema_decay, config.clip_gradient_norm) == (5, 0.999, None)
    for optimizer in (config.generator_optimizer, config.discriminator_optimizer):
        assert (optimizer.lr, optimizer.betas, optimizer.weight_decay) == (2e-4, (0, 0.9), 0)


def test_rates_are_constant_until_the_decay_begins():
    config = RetrainConfig(steps=8, lr_decay="linear", lr_decay_from=0.5)
    assert [config.lr_factor(step) for step in range(8)] == pytest.approx([1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_where_the_decay_would_begin_changes_nothing_without_one():
    config = RetrainConfig(steps=8, lr_decay_from=0.5)
    assert [config.lr_factor(step) for step in range(8)] == [1] * 8
