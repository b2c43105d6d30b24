"""Speed settings change how numbers are computed, never what: precision, compilation, form."""

import copy
import os
from functools import partial

import pytest
import torch
from pydantic import ValidationError

from search_space.architecture import EdgeWeights
from search_space.backends.registry import BACKENDS
from search_space.networks.cell import use_backend
from search_space.networks.discriminator import Discriminator
from search_space.relaxation import relax
from search_space.sampling import sample_genotype
from tests.trainers.small import (
    CPU,
    DISCRIMINATOR,
    Given,
    adversarial,
    halves,
    search_config,
    search_state,
    tensors,
)
from trainers.compute import all_digits, prepare, set_arithmetic
from trainers.noise import SeededNoise
from trainers.options import ComputeConfig
from trainers.strategies.adversarial_state import SearchState

pytestmark = pytest.mark.usefixtures("unchecked_shapes")

FAST_FORMS = [form for form in BACKENDS if form != "op_by_op"]


def stepped(compute: ComputeConfig) -> tuple[SearchState, dict[str, float]]:
    """A fresh state after one step, and what the step reported."""
    config = search_config(relaxation="softmax")
    state = search_state(config)
    prepare(state.generator, compute)
    prepare(state.discriminator, compute)
    losses = adversarial(state, config, compute=compute).step(Given(*halves()), SeededNoise(0, 0, 6, CPU))
    return state, {name: float(value) for name, value in losses.items()}


@pytest.mark.parametrize("form", ["direct", "frequency"])
def test_bfloat16_keeps_master_weights_in_float32_and_losses_near(form):
    _, expected = stepped(ComputeConfig(backend=form))
    state, found = stepped(ComputeConfig(backend=form, precision="bfloat16"))
    kept = tensors([state.generator.state_dict(), state.discriminator.state_dict()])
    assert {value.dtype for value in kept.values() if value.is_floating_point()} == {torch.float32}
    assert found.keys() == expected.keys()
    assert found != expected  # it was computed with 8 bits of mantissa,
    for losses in (found, expected):
        losses.pop("score_auc")  # of four images: it jumps by 1/4 where two scores change places
    assert found == pytest.approx(expected, abs=0.02)  # whose rounding is 2^-9


@pytest.fixture
def arithmetic():
    """Process-wide settings, put back afterwards."""
    yield
    set_arithmetic(ComputeConfig(), CPU)


@pytest.mark.parametrize(
    ("precision", "device", "tf32"),
    [("auto", "cuda", True), ("auto", "cpu", False), ("float32", "cuda", False), ("tf32", "cuda", True)],
)
@pytest.mark.usefixtures("arithmetic")
def test_auto_takes_tf32_on_gpus_for_training_and_never_for_scores(precision, device, tf32):
    set_arithmetic(ComputeConfig(precision=precision), torch.device(device))
    allowed = [torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision() == "high"]
    with all_digits():
        assert not torch.backends.cudnn.allow_tf32
        assert torch.get_float32_matmul_precision() == "highest"
    assert allowed == [tf32, tf32]
    assert torch.backends.cudnn.allow_tf32 == tf32


@pytest.mark.usefixtures("arithmetic")
def test_deterministic_algorithms_are_taken_where_asked_for(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    set_arithmetic(ComputeConfig(deterministic=True), CPU)
    assert torch.are_deterministic_algorithms_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    set_arithmetic(ComputeConfig(), CPU)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_compiled_network_equals_an_eager_one(monkeypatch):
    """Traced only: turning the graph into machine code needs a C++ compiler, which a machine may lack."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    torch.manual_seed(0)
    original = Discriminator(DISCRIMINATOR, sample_genotype("discriminator", 1))
    images, found = torch.rand(2, 1, 16, 16), []
    for compiled in (False, True):
        network = copy.deepcopy(original)
        prepare(network, ComputeConfig(compile=compiled))
        scores = network(images)
        scores.sum().backward()
        found.append([scores, *(parameter.grad for parameter in network.parameters())])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", FAST_FORMS)
def test_float32_rounds_no_worse_than_op_by_op(form):
    torch.manual_seed(0)
    state = search_state(search_config())
    weights = EdgeWeights({group: weight.detach() for group, weight in relax(state.beta, "softmax").items()})
    images = torch.rand(8, 1, 16, 16) * 2 - 1
    exact = copy.deepcopy(state.discriminator).double()
    use_backend(exact, "op_by_op")
    true = exact(
        images.double(), EdgeWeights({group: weight.double() for group, weight in weights.items()})
    ).detach()
    errors = {}
    for name in ("op_by_op", form):
        network = copy.deepcopy(state.discriminator)
        use_backend(network, name)
        errors[name] = float((network(images, weights).detach() - true).abs().max() / true.abs().max())
    assert errors[form] < 4 * max(errors["op_by_op"], torch.finfo(torch.float32).eps)


def test_op_by_op_is_still_found_by_its_old_name():
    assert ComputeConfig(backend="reference").backend == "op_by_op"


@pytest.mark.parametrize("form", ["direct", "frequency"])
def test_forms_that_cannot_be_compiled_are_refused(form):
    with pytest.raises(ValidationError, match=f"goes with backend auto or op_by_op, not with {form}"):
        ComputeConfig(backend=form, compile=True)
