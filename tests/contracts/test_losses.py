"""What every registered loss keeps, and the numbers of those whose values are known."""

import math

import pytest
import torch
from pydantic import ValidationError

from search_space.networks.discriminator import Discriminator
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.relaxation import relax
from search_space.sampling import sample_genotype
from tests.trainers.small import (
    BATCH,
    CPU,
    DISCRIMINATOR,
    adversarial,
    differing,
    images,
    no_scores,
    retrain_config,
    retrain_state,
    search_batches,
    search_config,
    search_setup,
    search_state,
)
from trainers.config import RetrainConfig, SearchConfig
from trainers.datasets.batches import Batches
from trainers.losses.logistic import Logistic
from trainers.losses.registry import LOSSES
from trainers.losses.update import discriminator_loss
from trainers.retrain import retrain
from trainers.search import search

pytestmark = pytest.mark.usefixtures("unchecked_shapes")

OPTIONS = {"logistic": [{}, {"r1": 10.0}], "mmd": [{}, {"kick": 1.0}]}
"""Of losses that have some: each is tried."""
CASES = [{"name": name, **options} for name in LOSSES for options in OPTIONS.get(name, [{}])]


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def outputs(loss, count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(count, loss.outputs, generator=generator, dtype=torch.float64)
    return values.requires_grad_()


@pytest.mark.parametrize("case", CASES, ids=str)
class TestEveryLoss:
    def test_is_chosen_by_its_name_in_searches_and_retrainings(self, case):
        assert type(SearchConfig(loss=case).loss) is LOSSES[case["name"]]
        assert RetrainConfig(loss=case["name"]).loss == LOSSES[case["name"]]()

    def test_has_the_gradients_of_finite_differences(self, case):
        loss = LOSSES[case["name"]](**case)
        real, fake = outputs(loss, 6, 1), outputs(loss, 6, 2)
        assert torch.autograd.gradcheck(loss.discriminator, (real, fake))
        assert torch.autograd.gradcheck(lambda f: loss.generator(f, real.detach()), (fake,))

    def test_trains_a_discriminator_that_tells_real_from_fake_images(self, case):
        loss = LOSSES[case["name"]](**case)
        # High and apart, low and together: losses of pairs look at distances.
        real, fake = (torch.tensor(rows).expand(2, loss.outputs) for rows in ([[2.0], [6.0]], [[-2.0]] * 2))
        assert loss.discriminator(real, fake) < loss.discriminator(fake, real)

    def test_searches_and_goes_on_bit_by_bit(self, case):
        config = search_config(loss=case, report_every=1, steps=3, sample_per_forward=True)
        states = []
        for stops in ((), (1, 2)):
            state = search_state(config)
            for stop in (*stops, config.steps):
                reports = search(
                    adversarial(state, config), search_batches(), search_setup(config), no_scores
                )
                while state.step < stop:
                    assert math.isfinite(next(reports).metrics["loss_discriminator"])
                saved = state.state_dict()
                state = search_state(config, seed=9)
                state.load_state_dict(saved)
            states.append(state.state_dict())
        assert differing(*states) == []

    def test_retrains_the_same_for_the_same_seed(self, case):
        config, states = retrain_config(loss=case, steps=2), []
        for _ in range(2):
            state = retrain_state(config)
            (report,) = retrain(state, Batches(images(), BATCH, 0), config, 0, no_scores)
            assert math.isfinite(report.metrics["loss_generator"])
            states.append(state.state_dict())
        assert differing(*states) == []


def test_unknown_losses_are_refused_with_the_known_ones():
    with pytest.raises(ValidationError, match=", ".join(f"'{name}'" for name in LOSSES)):
        SearchConfig(loss="wasserstein")


class TestLogistic:
    def test_values(self):
        """log(1 + e^-s) of real scores, log(1 + e^s) of fake ones."""
        real, fake = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [-2.0]])
        known = (0.6931472 + 0.3132617) / 2 + (0.6931472 + 0.1269280) / 2
        assert Logistic().discriminator(real, fake).item() == pytest.approx(known, rel=1e-6)
        assert Logistic().generator(fake).item() == pytest.approx((0.6931472 + 2.1269280) / 2, rel=1e-6)

    def test_r1_of_a_linear_discriminator_is_the_square_of_its_weights(self):
        weights = torch.tensor([[1.0, -2.0, 3.0, 0.5]], requires_grad=True)
        real, fake = torch.randn(5, 1, 2, 2), torch.randn(3, 1, 2, 2)

        def scored(pictures):
            return pictures.flatten(1) @ weights.T

        plain, _, _ = discriminator_loss(Logistic(), real, fake, scored)
        penalized, _, _ = discriminator_loss(Logistic(r1=4.0), real, fake, scored)
        assert (penalized - plain).item() == pytest.approx(4 / 2 * (1 + 4 + 9 + 0.25), rel=1e-5)
        (gradient,) = torch.autograd.grad(penalized - plain, weights)
        torch.testing.assert_close(gradient, 4 * weights.detach(), rtol=1e-4, atol=1e-4)

    @pytest.mark.usefixtures("float64")
    @pytest.mark.parametrize("backend", ["op_by_op", "direct"])
    @pytest.mark.parametrize("kind", ["supernet", "derived", "fixed"])
    def test_gradients_of_r1_are_those_of_finite_differences(self, kind, backend):
        from search_space.networks.cell import use_backend

        torch.manual_seed(0)
        network = {
            "supernet": lambda: Discriminator(DISCRIMINATOR),
            "derived": lambda: Discriminator(DISCRIMINATOR, sample_genotype("discriminator", 1)),
            "fixed": lambda: FixedDiscriminator(DISCRIMINATOR),
        }[kind]()
        use_backend(network, backend)
        real, fake = (torch.rand(2, 1, 16, 16) * 2 - 1 for _ in range(2))
        beta = search_state(search_config()).beta.double()
        weights = {"edge_weights": relax(beta, "softmax")} if kind == "supernet" else {}
        for _ in range(30):  # spectral norms converge
            network(real, **weights)
        network.eval()

        def penalized() -> torch.Tensor:
            return discriminator_loss(
                Logistic(r1=10.0), real, fake, lambda pictures: network(pictures, **weights)
            )[0]

        parameters = list(network.parameters())
        directions = [torch.randn_like(parameter) for parameter in parameters]
        gradients = torch.autograd.grad(penalized(), parameters, allow_unused=True, materialize_grads=True)
        expected, values = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True)), []
        for step in (1e-6, -2e-6):
            for parameter, direction in zip(parameters, directions, strict=True):
                parameter.data.add_(direction, alpha=step)
            values.append(penalized().item())
        assert (values[0] - values[1]) / 2e-6 == pytest.approx(expected.item(), rel=1e-4)


def test_r1_needs_no_choice_of_backend():
    config = search_config(loss={"name": "logistic", "r1": 1.0}, steps=1)
    strategy = config.strategy.build(search_setup(config))
    assert strategy.state.device == CPU
    list(search(strategy, search_batches(), search_setup(config), no_scores))
    assert strategy.state.step == 1
