"""What a search derived on its way can be read again, whatever ended it."""

from orchestrator.checkpoints.derivations import FILE, derived_generators, record_derivation
from search_space.sampling import sample_genotype
from trainers.report import Report

FIRST, SECOND = (sample_genotype("generator", seed=seed) for seed in (1, 2))


def record(folder, step, genotype):
    record_derivation(folder, Report(step, {}, {"generator": genotype}))


def steps_and_cells(folder):
    return [(found.provenance.step, found.cells) for found in derived_generators(folder, "mine")]


def test_the_newest_comes_first_and_each_genotype_once(tmp_path):
    for step, genotype in ((10, FIRST), (20, SECOND), (30, FIRST), (40, SECOND), (50, SECOND)):
        record(tmp_path, step, genotype)
    assert steps_and_cells(tmp_path) == [(50, SECOND.cells), (30, FIRST.cells)]


def test_others_of_a_step_follow_its_derivation_best_first(tmp_path):
    third = sample_genotype("generator", seed=3)
    record(tmp_path, 10, third)
    record_derivation(tmp_path, Report(20, {}, {"generator": FIRST}, others=[SECOND, third]))
    assert steps_and_cells(tmp_path) == [(20, FIRST.cells), (20, SECOND.cells), (20, third.cells)]


def test_a_step_that_was_trained_again_counts_as_it_was_last(tmp_path):
    for step, genotype in ((10, FIRST), (20, FIRST), (20, SECOND)):
        record(tmp_path, step, genotype)
    assert steps_and_cells(tmp_path) == [(20, SECOND.cells), (10, FIRST.cells)]


def test_a_line_that_a_crash_cut_short_harms_no_other(tmp_path):
    record(tmp_path, 10, FIRST)
    with (tmp_path / FILE).open("a") as file:
        file.write('\n{"step": 20, "genot')
    record(tmp_path, 20, SECOND)
    assert steps_and_cells(tmp_path) == [(20, SECOND.cells), (10, FIRST.cells)]


def test_a_retraining_derives_nothing(tmp_path):
    record_derivation(tmp_path, Report(10, {"loss_generator": 1.0}))
    assert derived_generators(tmp_path, "mine") == []
    assert list(tmp_path.iterdir()) == []
