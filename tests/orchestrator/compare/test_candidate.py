"""Trainings of one architecture become repeats; size is that of the network."""

from orchestrator.compare.candidate import merged
from search_space.cost import parameters
from search_space.networks.generator import Generator
from tests.orchestrator.compare.candidates import WIDTH, trained


def test_seeds_of_one_architecture_are_repeats():
    (one,) = merged([trained("first", 10.0), trained("second", 12.0), trained("third", 14.0)])
    assert one.values("fd_digits") == (10.0, 12.0, 14.0)
    assert one.name == "first and 2 more"


def test_one_run_given_twice_counts_once():
    (one,) = merged([trained("first", 10.0), trained("first", 10.0)])
    assert one.values("fd_digits") == (10.0,)
    assert one.name == "first"


def test_other_architectures_and_recipes_stay_apart():
    different = trained("b", 1.0, genotype=1)
    longer = trained("c", 1.0, recipe={"retrain.steps": "600"})
    assert len(merged([trained("a", 1.0), different, longer])) == 3


def test_size_is_counted_without_making_the_network():
    candidate = trained("a", 1.0)
    assert candidate.parameters == parameters(Generator(WIDTH, candidate.genotype))
    assert candidate.multiply_adds > candidate.parameters
