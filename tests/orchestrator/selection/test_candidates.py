"""Whom a selection compares, and under which names."""

import json

import pytest

from orchestrator.artifacts.cost import pareto_front
from orchestrator.checkpoints.derivations import record_derivation
from orchestrator.config.errors import ConfigError
from orchestrator.config.selection import SelectStage
from orchestrator.selection.candidates import collect, within_limits
from search_space.cost import parameters
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import Generator
from search_space.sampling import sample_genotype
from search_space.zoo.published import PUBLISHED
from trainers.noise import seed_for
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


WIDTH = GeneratorConfig(channels=4, bottom_width=2, image_channels=1)


SEARCHED = range(50, 56)
"""Seeds of six genotypes that a search derived."""


def limited(tmp_path, random=0, **limits):
    """Six candidates of a search, and random ones."""
    own = tmp_path / "mine" / "search"
    if not own.exists():
        searched(own, SEARCHED)
    select = SelectStage(rungs=(1,), random=random, **limits)
    everyone = collect(select, tmp_path, own, seed=0)
    return everyone, within_limits(everyone, select, WIDTH, tmp_path / "select")


def size_of(named):
    return parameters(Generator(WIDTH, named[1]))


def test_random_ones_beyond_a_limit_are_drawn_anew_and_always_the_same(tmp_path):
    everyone, _ = limited(tmp_path, random=4)
    limit = sorted(map(size_of, everyone.values()))[1]
    _, met = limited(tmp_path, random=4, max_parameters=limit)
    drawn = {name: named for named in met.values() if (name := named[0]).startswith("random")}
    assert len(drawn) == 4
    assert all(size_of(named) <= limit for named in met.values())
    assert max(int(name.split()[1]) for name in drawn) > 4
    assert len(met) == 4 + sum(
        size_of(named) <= limit for named in everyone.values() if not named[0].startswith("random")
    )
    (tmp_path / "select" / "costs.json").unlink()
    assert limited(tmp_path, random=4, max_parameters=limit)[1] == met


def test_where_none_is_found_the_smallest_that_one_would_meet_is_named(tmp_path):
    tiny = [size_of(("", sample_genotype("generator", seed_for(0, "select", n)))) for n in range(1, 101)]
    smallest = min([*tiny, 10**9])
    message = (
        "select.max_parameters = 10: none of 100 random genotypes, drawn one after another, meets it; random "
        rf"\d+ would meet select.max_parameters {smallest}$"
    )
    with pytest.raises(ConfigError, match=message):
        limited(tmp_path, random=1, max_parameters=10)


def test_only_candidates_within_all_limits_take_part(tmp_path):
    everyone, _ = limited(tmp_path)
    sizes = {id: parameters(Generator(WIDTH, genotype)) for id, (_, genotype) in everyone.items()}
    middle = sorted(sizes.values())[2]
    assert set(limited(tmp_path, max_parameters=middle)[1]) == {
        id for id, size in sizes.items() if size <= middle
    }
    assert len(limited(tmp_path, max_parameters=middle)[1]) == 3


def test_a_limit_that_nobody_meets_names_the_smallest_that_somebody_would(tmp_path):
    everyone, _ = limited(tmp_path)
    smallest = min(parameters(Generator(WIDTH, genotype)) for _, genotype in everyone.values())
    message = r"select.max_parameters = 10: none of 6 candidates meets it; search step \d+ would meet .*_par"
    with pytest.raises(ConfigError, match=rf"{message}ameters {smallest}$"):
        limited(tmp_path, max_parameters=10)


def test_latency_is_measured_once_and_counts_again(tmp_path):
    everyone, met = limited(tmp_path, max_latency=1e3)
    assert met == everyone
    measured = json.loads((tmp_path / "select" / "costs.json").read_text())
    slowest = max(measured, key=lambda id: measured[id]["seconds"])
    limit = sorted(cost["seconds"] for cost in measured.values())[-2]
    assert set(limited(tmp_path, max_latency=limit)[1]) == set(everyone) - {slowest}


def test_the_front_holds_whom_nobody_beats_in_score_and_size():
    points = {"a": (3.0, 10.0), "b": (2.0, 20.0), "c": (2.5, 30.0), "d": (1.0, 40.0)}
    assert pareto_front(points, first_is_lower=True) == ["a", "b", "d"]
    assert pareto_front(points, first_is_lower=False) == ["a"]
