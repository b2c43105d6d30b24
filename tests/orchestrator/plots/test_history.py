"""What a search recorded is told in steps, changes and entropies."""

import pytest

from orchestrator.plots.history import History, histories
from search_space.zoo.published import PUBLISHED
from tests.orchestrator.plots.searches import changed, record, uniform

FIRST = PUBLISHED["adversarialnas"].genotype
SECOND = changed(changed(FIRST, 0, 2, "conv_5x5"), 2, 0, "nearest")


def test_edges_that_changed_since_the_report_before_are_counted(tmp_path):
    third = changed(SECOND, 0, 2, "conv_1x1")
    for step, genotype in ((10, FIRST), (20, SECOND), (30, SECOND), (40, third)):
        record(tmp_path, step, genotype)
    generator, discriminator = histories(tmp_path)
    edges = sum(
        a != b
        for one, other in zip(FIRST.cells, SECOND.cells, strict=True)
        for a, b in zip(one, other, strict=True)
    )
    assert generator.changes() == [0, edges, 0, 1]
    assert discriminator.changes() == [0, 0, 0, 0]


def test_an_edge_settled_at_the_step_from_which_it_kept_its_operation(tmp_path):
    for step, genotype in ((10, SECOND), (20, FIRST), (30, SECOND), (40, SECOND)):
        record(tmp_path, step, genotype)
    generator, _ = histories(tmp_path)
    assert generator.settled_after(0, 2) == 30
    assert generator.settled_after(1, 3) == 10


def test_entropy_is_one_while_nothing_is_preferred_and_zero_when_all_is_decided():
    decided = tuple(tuple((1.0, *(0.0,) * (len(edge) - 1)) for edge in cell) for cell in uniform("generator"))
    history = History("generator", (1, 2), (FIRST, FIRST), (uniform("generator"), decided))
    assert history.entropies() == pytest.approx([1.0, 0.0])


def test_nothing_recorded_is_no_history(tmp_path):
    assert histories(tmp_path) == []
