"""What a CUDA graph needs of a step: the next one does the same operations, on the same addresses."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.trainers import small
from trainers.datasets.batches import StepBatch
from trainers.noise import SeededNoise
from trainers.strategies.adversarial import AdversarialSearch
from trainers.strategies.held_inputs import HeldInputs

pytestmark = pytest.mark.usefixtures("unchecked_shapes", "one_thread")

Operation = tuple[str, tuple[Any, ...]]


class Recorded(TorchDispatchMode):
    """Operations with all their numbers; tensors made before are seen by address, others by their shape."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.outside: set[int] = set()
        self._made: dict[int, Any] = {}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = tuple(self._seen(each) for each in leaves((args, kwargs or {})))
        result = function(*args, **(kwargs or {}))
        for tensor in leaves(result):
            if isinstance(tensor, Tensor) and tensor.untyped_storage().data_ptr() not in self.outside:
                # Kept, so that no later tensor takes its address.
                self._made[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        if function.namespace != "profiler":
            self.operations.append((str(function), given))
        return result

    def _seen(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        address = value.untyped_storage().data_ptr()
        if address in self._made:
            return tuple(value.shape)
        self.outside.add(address)
        return value.data_ptr()


def leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, list | tuple | dict):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(part)
    else:
        yield tree


def a_search(**options: Any) -> AdversarialSearch:
    """As on a GPU, where nothing waits for losses."""
    config = small.search_config(steps=40, **options)
    return small.adversarial(small.search_state(config), config, deferred=True)


def step(search: AdversarialSearch, recorded: Recorded | None = None) -> None:
    """The next one; its operations, but not what brings its inputs into place, are recorded."""
    number, updates = search.state.step, search.updates

    def watched(*given: Any) -> Any:
        with recorded or Recorded():
            return updates(*given)

    search.updates = watched  # type: ignore[method-assign]
    search.step(StepBatch(small.search_batches(), number), SeededNoise(0, number, 6, small.CPU))
    search.updates = updates  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "options",
    [{}, {"relaxation": "gumbel_of_probabilities", "sample_per_forward": True}, {"relaxation": "hard"}],
    ids=["default", "released", "hard"],
)
def test_two_steps_do_the_same_operations_with_the_same_numbers_on_the_same_addresses(
    options: dict[str, Any],
) -> None:
    search = a_search(**options)
    step(search)  # makes the optimizers' moments
    taus, operations = [], []
    for _ in range(2):
        recorded = Recorded()
        step(search, recorded)
        taus.append(float(search.inputs.tau))
        operations.append(recorded.operations)
    assert taus[0] > taus[1]
    assert len(operations[0]) > 1000
    assert [name for name, _ in operations[0]] == [name for name, _ in operations[1]]
    assert [(one, other) for one, other in zip(*operations, strict=True) if one != other] == []


def test_the_recording_sees_a_number_and_an_address_that_change() -> None:
    """Otherwise the test above could not fail."""
    held = torch.ones(3)
    first, number, address = Recorded(), Recorded(), Recorded()
    with first:
        held * 0.5
    with number:
        held * 0.25
    with address:
        held.clone().mul(0.5)
        torch.ones(3)
    assert first.operations != number.operations
    assert first.operations[0] != address.operations[1]


def test_inputs_are_the_sources_and_stay_where_they_were() -> None:
    search = a_search()
    inputs, alpha = HeldInputs(5.0, small.CPU), search.state.alpha
    places = []
    for number in (3, 4):
        source = SeededNoise(0, number, 6, small.CPU)
        images = small.search_batches().halves_at(number)
        held = inputs.begin(number, 1 / number, images, source, ["alpha"])
        latents, noise = inputs.latents("alpha", 4), inputs.noise("alpha", 0, alpha)
        assert torch.equal(latents, source.latents("alpha", 4))
        assert all(torch.equal(noise[group], one) for group, one in source.noise("alpha", 0, alpha).items())
        assert all(torch.equal(*pair) for pair in zip(held, images, strict=True))
        assert (int(inputs.step), float(inputs.tau)) == (number, 1 / number)
        places.append([x.data_ptr() for x in (latents, *noise.values(), *held, inputs.step, inputs.tau)])
    assert places[0] == places[1]
