"""Two workers with half a batch each are one worker with a whole one."""

from functools import partial

import pytest
import torch

from tests.trainers import workers
from tests.trainers.small import differing, tensors
from trainers.distributed import average, average_running_statistics, rank, world_size

TASKS = {
    "tensors": workers.averaged_tensors,
    "running statistics": workers.averaged_running_statistics,
    "metrics": workers.averaged_metrics,
    "search": workers.search_steps,
    "search, own statistics": workers.search_steps_with_batch_statistics,
    "retrain, own statistics": workers.retrain_steps_with_batch_statistics,
    "search in shares": partial(workers.search_steps_with_batch_statistics, torch.float64),
    "retrain in shares": partial(workers.retrain_steps_with_batch_statistics, torch.float64),
    "retrain by pairs": workers.retrain_steps_with_statistics_of_pairs,
    "pairs": workers.averaged_gradients_of_pairs,
    "start": workers.networks_start_alike,
    "bad loss": partial(workers.loss_that_is_bad_on_the_second_worker, deferred=False),
    "bad loss, deferred": partial(workers.loss_that_is_bad_on_the_second_worker, deferred=True),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return workers.run(TASKS, tmp_path_factory.mktemp("workers"))


def test_alone_a_worker_is_the_first_and_averages_nothing():
    values = [torch.tensor([1.0, 2.0])]
    average(values)
    assert values[0].tolist() == [1, 2]
    assert (rank(), world_size()) == (0, 1)


def test_alone_running_statistics_stay():
    norm = torch.nn.BatchNorm2d(1)
    norm.running_mean.fill_(3)
    average_running_statistics(norm)
    assert norm.running_mean.item() == 3


def test_tensors_become_their_means_in_place(results):
    for result in results:
        ramp, filled, scalar = result["tensors"]
        assert ramp.tolist() == [[0, 1.5, 3], [4.5, 6, 7.5]]
        assert filled.flatten().tolist() == [0.5] * 8
        assert scalar.item() == 5


def test_running_statistics_become_the_same_everywhere(results):
    for result in results:
        mean, variance = result["running statistics"].tolist()
        assert mean == 1  # of 0 and 2
        assert variance == pytest.approx(8 / 7)  # unbiased, of eight pixels of -1 and 1


def test_metrics_are_means_over_workers_and_steps(results):
    assert [result["metrics"] for result in results] == [{"loss": 2.5}] * 2


def test_networks_start_alike_whatever_each_process_has_drawn(results):
    first, second = (result["start"] for result in results)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.usefixtures("unchecked_shapes")
def test_two_workers_search_as_one_with_the_whole_batch(results):
    """Every parameter, moment and power iteration after two steps: so were all gradients before."""
    expected = tensors(workers.search_steps())
    for result in results:
        found = tensors(result["search"])
        assert found.keys() == expected.keys()
        for path, value in expected.items():
            torch.testing.assert_close(found[path], value, rtol=1e-9, atol=1e-12, msg=path)


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize("loop", ["search in shares", "retrain in shares"])
def test_one_worker_normalises_in_shares_as_two_do_apart(results, loop):
    """BatchNorm's statistics of each share included: whoever trains, the state is the same up to rounding."""
    expected = tensors(TASKS[loop]())
    for result in results:
        found = tensors(result[loop])
        assert found.keys() == expected.keys()
        for path, value in expected.items():
            torch.testing.assert_close(found[path], value, rtol=1e-9, atol=1e-12, msg=path)


def test_losses_of_pairs_are_those_of_the_whole_batch_whichever_images_are_dropped(results):
    for result in results:
        for found, expected in zip(result["pairs"], workers.averaged_gradients_of_pairs(), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.usefixtures("unchecked_shapes")
def test_two_workers_retrain_by_pairs_as_one_with_the_whole_batch(results):
    """Adam divides rounding by itself where a gradient is nothing else: a bias in front of BatchNorm."""
    expected = tensors(workers.retrain_steps_with_statistics_of_pairs())
    for result in results:
        found = tensors(result["retrain by pairs"])
        assert found.keys() == expected.keys()
        for path, value in expected.items():
            torch.testing.assert_close(found[path], value, rtol=1e-9, atol=1e-8, msg=path)


@pytest.mark.parametrize("loop", ["search", "search, own statistics", "retrain, own statistics"])
def test_both_workers_hold_the_same_bits(results, loop):
    """After any step, also one without an update of G: rank 0's checkpoint is everybody's state."""
    assert differing(*(result[loop] for result in results)) == []


@pytest.mark.parametrize("mode", ["bad loss", "bad loss, deferred"])
def test_loss_that_is_bad_on_one_worker_stops_both_before_they_step(results, mode):
    (first_says, first_stayed), (second_says, second_stayed) = (result[mode] for result in results)
    assert first_says == "a loss is not finite on another rank"
    assert "the loss of the generator update is not finite at step 2 on rank 1" in second_says
    assert first_stayed
    assert second_stayed
