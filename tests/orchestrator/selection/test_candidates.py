"""Whom a selection compares, and under which names."""

import pytest

from orchestrator.checkpoints.derivations import record_derivation
from orchestrator.config.errors import ConfigError
from orchestrator.config.selection import SelectStage
from orchestrator.selection.candidates import collect
from search_space.sampling import sample_genotype
from search_space.zoo.published import PUBLISHED
from trainers.report import Report

EAGAN = PUBLISHED["eagan"].genotype


def searched(folder, seeds, records=True):
    """A search that derived those genotypes at steps 10, 20, ..."""
    folder.mkdir(parents=True)
    for number, seed in enumerate(seeds, start=1):
        genotype = sample_genotype("generator", seed)
        if records:
            record_derivation(folder, Report(10 * number, {}, {"generator": genotype}))
    genotype.save(folder / "genotype_generator.json")
    return folder


def names(root, own=None, **select):
    found = collect(SelectStage(rungs=(1,), **select), root, own, seed=0)
    return [name for name, _ in found.values()]


def test_the_last_distinct_derivations_of_the_own_search_are_compared(tmp_path):
    own = searched(tmp_path / "mine" / "search", [1, 2, 3, 2])
    assert names(tmp_path, own, limit=2) == ["search step 40", "search step 30"]


def test_of_a_search_that_recorded_nothing_the_final_one_is(tmp_path):
    assert names(tmp_path, searched(tmp_path / "mine" / "search", [1], records=False)) == ["search"]


def test_other_runs_and_files_are_named(tmp_path):
    searched(tmp_path / "pipelined" / "1234" / "search", [1, 2])
    EAGAN.save(tmp_path / "good.json")
    searches = ("pipelined", str(tmp_path / "good.json"))
    assert names(tmp_path, searches=searches) == ["pipelined step 20", "pipelined step 10", "good"]


def test_controls_are_random_and_published(tmp_path):
    found = collect(SelectStage(rungs=(1,), random=2, zoo=("eagan",)), tmp_path, None, seed=0)
    assert [name for name, _ in found.values()] == ["eagan", "random 1", "random 2"]
    assert len({genotype.content_hash for _, genotype in found.values()}) == 3


def test_random_ones_are_the_same_for_the_same_seed_and_others_for_another(tmp_path):
    select = SelectStage(rungs=(1,), random=1)
    first, again, other = (list(collect(select, tmp_path, None, seed)) for seed in (0, 0, 1))
    assert first == again != other


def test_an_equal_genotype_is_compared_once_under_its_first_name(tmp_path):
    EAGAN.save(tmp_path / "same.json")
    assert names(tmp_path, searches=(str(tmp_path / "same.json"),), zoo=("eagan",)) == ["same"]


def test_ids_are_those_of_tables_of_curves(tmp_path):
    (found,) = collect(SelectStage(rungs=(1,), zoo=("eagan",)), tmp_path, None, seed=0)
    assert found == "[[1,1,1,0,2,3,1],[1,1,0,1,3,0,5],[0,1,0,3,0,0,3]]"


def test_mistakes_are_named(tmp_path):
    PUBLISHED["adversarialnas_discriminator"].genotype.save(tmp_path / "d.json")
    with pytest.raises(ConfigError, match=r"select.searches: d is a discriminator's"):
        names(tmp_path, searches=(str(tmp_path / "d.json"),))
    with pytest.raises(ConfigError, match=r"select.searches: nobody: no run in .* has searched"):
        names(tmp_path, searches=("nobody",))
    with pytest.raises(ConfigError, match="select: no candidates"):
        names(tmp_path)
