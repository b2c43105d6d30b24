"""The stage with stand-ins for trainings: what is bred, what is left, how an interrupted one goes on."""

import io
import math

import pyarrow.parquet as pq
import pytest
import torch
from mlflow import MlflowClient

from orchestrator.artifacts.resolve import search_folders
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import with_overrides
from orchestrator.console.console import Console
from orchestrator.evolution.plan import require_sound
from orchestrator.evolution.stage import evolve_in
from orchestrator.jobs.job import Job, Outcome
from orchestrator.jobs.training import searching
from orchestrator.pipeline import pipeline
from orchestrator.selection.candidates import collect
from orchestrator.selection.curves import genotype_of
from orchestrator.stages.session import Session
from search_space.errors import UserError
from search_space.genotype import Genotype, differing_edges
from search_space.sampling import count_parameters, sample_genotype
from tests.orchestrator.tiny_jobs import tiny_job
from trainers.guarded_step import NonFiniteLoss
from trainers.report import Report

HIDDEN = sample_genotype("generator", 77)
OPTIONS = {
    "evolve.fitness": "training",
    "evolve.steps": 2,
    "evolve.random": 6,
    "evolve.children": 7,
    "evolve.tournament": 3,
    "evolve.together": 3,
    "retrain.evaluation.every": 1,
}


class Launches:
    """A score is e to the number of edges that differ from a hidden genotype; some launches end otherwise."""

    def __init__(self, diverging=lambda _: False, killed_at=None):
        self.done, self.steps, self._diverging, self._killed_at = [], set(), diverging, killed_at

    def __call__(self, job, emit):
        genotype = job.genotypes["generator"]
        if len(self.done) + 1 == self._killed_at:
            raise KeyboardInterrupt
        self.done.append((genotype.content_hash, job.experiment.seed))
        self.steps.add((job.experiment.retrain.steps, job.end))
        if self._diverging(genotype):
            raise NonFiniteLoss("loss of the generator at step 1")
        score = math.exp(differing_edges(genotype, HIDDEN) + 0.1 * job.experiment.seed)
        emit(Report(2, {"fd_digits": score}))
        return Outcome(2, {"fd_digits": score}, {}, job.folder, "images", {"extractor": "digits"})


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """One folder of runs, so one MLflow database; each test has its names."""
    return tmp_path_factory.mktemp("runs")


def experiment_in(root, name, **options):
    changed = {each.replace("__", "."): value for each, value in options.items()}
    return with_overrides(tiny_job(root).experiment, OPTIONS | {"name": name} | changed)


def evolve(root, name, launch=None, screen=None, **options):
    session = Session.begin(experiment_in(root, name, **options), Console(screen or io.StringIO()))
    return evolve_in(session, launch or Launches())


def rows(result):
    return pq.read_table(result.candidates).to_pylist()


def test_every_candidate_is_trained_shortly_with_every_seed_and_the_best_is_derived(root):
    launches = Launches()
    result = evolve(root, "whole", launches, evolve__seeds=2, seed=3)
    found = rows(result)
    assert len({hash for hash, _ in launches.done}) == len(found) == 13
    assert sorted(launches.done) == sorted((row["hash"], seed) for row in found for seed in (3, 4))
    assert launches.steps == {(2, 2)}, "learning rates fall over the steps of the short training"
    for row in found:
        distance = differing_edges(genotype_of(row["genotype"]), HIDDEN)
        assert (row["score_0"], row["score_1"]) == pytest.approx((distance + 0.3, distance + 0.4))
    best = min(found, key=lambda row: row["score_0"])
    derived = Genotype.load(root / "whole/evolve/genotype_generator.json")
    assert differing_edges(derived, HIDDEN) == differing_edges(genotype_of(best["genotype"]), HIDDEN)
    assert [row["origin"] for row in found] == ["random"] * 6 + ["child"] * 7


def test_it_comes_nearer_than_its_first_population(root):
    found = rows(evolve(root, "nearer", evolve__children=40))
    assert min(row["score_0"] for row in found[6:]) < min(row["score_0"] for row in found[:6]) - 2


def test_those_who_go_on_differ_enough_and_a_selection_of_the_run_finds_them(root):
    result = evolve(root, "handed", evolve__derivations=3, evolve__distance=5)
    chosen = sorted((row for row in rows(result) if row["chosen"]), key=lambda row: row["chosen"])
    genotypes = [genotype_of(row["genotype"]) for row in chosen]
    assert [row["chosen"] for row in chosen] == [1, 2, 3]
    assert all(differing_edges(a, b) >= 5 for a in genotypes for b in genotypes if a is not b)
    select = with_overrides(experiment_in(root, "handed"), {"select.rungs": [2, 3]}).select
    found = collect(select, root, search_folders(root / "handed")[-1], 0)
    assert [genotype.content_hash for _, genotype in found.values()] == [row["hash"] for row in chosen]
    named = collect(select.model_copy(update={"searches": ("handed",)}), root, None, 0)
    assert list(named) == list(found)


def test_nobody_on_the_front_is_beaten_by_a_smaller_one(root):
    found = rows(evolve(root, "front"))
    for row in found:
        better = [
            other
            for other in found
            if (other["parameters"], other["fitness"]) != (row["parameters"], row["fitness"])
            and other["parameters"] <= row["parameters"]
            and other["fitness"] <= row["fitness"]
        ]
        assert row["pareto_front"] == (not better), row


def test_mlflow_has_every_candidate_the_picture_and_how_it_went(root):
    result = evolve(root, "recorded")
    client = MlflowClient(result.run.tracking_uri)
    run = client.get_run(result.run.run_id)
    assert run.data.metrics["candidates"] == 13
    history = client.get_metric_history(result.run.run_id, "best_fitness")
    assert [each.step for each in sorted(history, key=lambda each: each.step)] == [6, 9, 12, 13]
    files = {each.path for each in client.list_artifacts(result.run.run_id)}
    assert {"candidates.parquet", "pareto.png", "genotype_generator.json", "result.json"} <= files
    assert result.pareto.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("algorithm", "killed_at"), [("regularized", 1), ("regularized", 4), ("regularized", 9), ("nsga2", 9)]
)
def test_an_interrupted_one_goes_on_to_the_same_candidates(root, algorithm, killed_at):
    name, options = f"stopped-{algorithm}-{killed_at}", {"evolve__algorithm": algorithm}
    with pytest.raises(KeyboardInterrupt):
        evolve(root, name, Launches(killed_at=killed_at), **options)
    resumed = Launches()
    result = evolve(root, name, resumed, **options)
    assert len(resumed.done) == 13 - (killed_at - 1)
    assert rows(result) == rows(evolve(root, f"undisturbed-{algorithm}", **options))


def test_the_algorithm_decides_what_is_bred_and_so_whether_an_evolution_goes_on(root):
    plain, other = (
        rows(evolve(root, f"by-{name}", evolve__algorithm=name)) for name in ("regularized", "nsga2")
    )
    assert [row["hash"] for row in plain[:6]] == [row["hash"] for row in other[:6]]
    assert [row["hash"] for row in plain] != [row["hash"] for row in other]
    said = 'evolve.algorithm = "nsga2": the evolution in .* was started with "regularized"'
    with pytest.raises(ConfigError, match=said):
        evolve(root, "by-regularized", evolve__algorithm="nsga2")


def test_a_line_that_a_crash_cut_short_is_scored_again(root):
    whole = rows(evolve(root, "torn"))
    journal = root / "torn/evolve/scored.jsonl"
    journal.write_text(journal.read_text()[:-20])
    launches = Launches()
    assert rows(evolve(root, "torn", launches)) == whole
    assert [hash for hash, _ in launches.done] == [whole[-1]["hash"]]


def test_more_children_extend_one_that_has_ended(root):
    before, launches = rows(evolve(root, "extended")), Launches()
    after = rows(evolve(root, "extended", launches, evolve__children=12))
    assert [row["hash"] for row in after[:13]] == [row["hash"] for row in before]
    assert len(launches.done) == 5


def test_what_diverges_is_worst_shown_and_never_asked_again(root):
    def odd(genotype):
        return int(genotype.content_hash, 16) % 3 == 0

    screen = io.StringIO()
    launches = Launches(diverging=odd)
    found = rows(evolve(root, "diverging", launches, screen))
    broken = [row for row in found if row["score_0"] is None]
    assert broken
    assert all(row["fitness"] is None and row["chosen"] is None and not row["pareto_front"] for row in broken)
    assert screen.getvalue().count("has no score (nan): it counts as the worst") == len(broken)
    assert len(set(launches.done)) == len(launches.done)
    again = Launches()
    evolve(root, "diverging", again)
    assert again.done == []


def test_where_nobody_has_a_score_it_says_so_with_a_cure(root):
    with pytest.raises(UserError, match=r"none of 13 candidates makes finite images .* rates of retrain"):
        evolve(root, "nobody", Launches(diverging=lambda _: True))


def test_the_limit_of_parameters_holds(root):
    widths = experiment_in(root, "any").retrain.generator
    sizes = [count_parameters(sample_genotype("generator", seed), widths) for seed in range(20)]
    limit = sorted(sizes)[5]
    found = rows(evolve(root, "limited", evolve__max_parameters=limit))
    assert max(row["parameters"] for row in found) <= limit
    for row in found:
        assert row["parameters"] == count_parameters(genotype_of(row["genotype"]), widths)


@pytest.mark.parametrize("space", ["autogan", "alphagan"])
def test_short_trainings_need_no_strategy_that_searches_the_space(root, space):
    """The default strategy, `adversarial`, searches neither space with its defaults."""

    def smaller(job, _emit):
        size = count_parameters(job.genotypes["generator"], job.experiment.retrain.generator)
        return Outcome(2, {"fd_digits": float(size)}, {}, job.folder, "images", {"extractor": "digits"})

    experiment = experiment_in(root, space, search__space=space)
    require_sound(experiment)
    found = rows(evolve(root, space, smaller, search__space=space))
    assert {genotype_of(row["genotype"]).space for row in found} == {space}
    assert len(found) == 13
    with pytest.raises(UserError, match=rf"search\.strategy\.\w+: the .*space {space} .*; use "):
        searching(Job("search", experiment, {}, experiment.folder / "none"), torch.device("cpu"))
    with pytest.raises(ConfigError, match=rf"search\.strategy\.\w+ = .* space {space} "):
        experiment_in(root, space, search__space=space, evolve__fitness="inherited")


def test_a_pipeline_can_evolve_instead_of_searching(root):
    options = {"evolve__in_pipeline": True, "evolve__random": 3, "evolve__children": 1, "evolve__steps": 1}
    options |= {"retrain__evaluation__samples": 20, "select__rungs": [2, 3], "tracking__model": None}
    experiment = experiment_in(root, "piped", **options)
    result = pipeline(experiment, Console(io.StringIO()))
    [folder] = (root / "piped").glob("*/evolve")
    found = pq.read_table(folder / "candidates.parquet").to_pylist()
    assert len(found) == 4
    selected = pq.read_table(result.stages.select.ranking).to_pylist()
    assert {row["genotype"] for row in selected} == {row["genotype"] for row in found if row["chosen"]}
    assert result.generator.is_file()


class TestRefused:
    def test_candidates_of_another_recipe(self, root):
        evolve(root, "recipe")
        with pytest.raises(ConfigError, match=r"retrain.ema_decay = 0.5: the evolution in .* another name"):
            evolve(root, "recipe", retrain__ema_decay=0.5)
        with pytest.raises(ConfigError, match=r"evolve.together = 4: the evolution in "):
            evolve(root, "recipe", evolve__together=4)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (
                {"evolve.max_parameters": 10},
                "evolve.max_parameters = 10: the smallest generator of",
            ),
            ({"evolve.fitness": "inherited"}, "evolve.fitness = inherited: chooses by scores of images, and"),
            (
                {
                    "evolve.fitness": "fine_tuning",
                    "search.evaluation.every": 1,
                    "search.strategy": {"name": "one_shot", "opponent": "paths"},
                },
                "search.strategy.opponent = paths; use fixed, or fitness inherited",
            ),
            ({"evolve.of": ["a"]}, "evolve.of = .*: fitness training uses no supernets"),
        ],
    )
    def test_what_cannot_be_evolved(self, root, options, said):
        with pytest.raises(UserError, match=said):
            require_sound(with_overrides(experiment_in(root, "unsound"), options))
