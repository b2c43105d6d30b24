"""Names find runs, their stages, experiments, files and the zoo."""

from dataclasses import replace

import pytest

from orchestrator.compare.groups import groups_of, verdict
from orchestrator.compare.page import write_page
from orchestrator.compare.resolve import candidates
from orchestrator.config.experiment import Experiment, to_yaml, with_overrides
from orchestrator.tracking import Tracker
from orchestrator.yardstick.known import finished_runs
from search_space.errors import UserError
from search_space.genotype import Provenance
from search_space.sampling import sample_genotype
from tests.orchestrator.tiny_jobs import NETWORKS, SHORT
from tests.orchestrator.tracking.conftest import root, tracker, uri  # noqa: F401
from tests.orchestrator.yardstick.reliable import measured, save_measured
from trainers.report import Report

EVALUATION = {"evaluation": {"every": 1, "metrics": ["fd"], "extractor": "digits"}}


def retrained(tracker: Tracker, root, id: str, scores: list[float], seed: int = 0):  # noqa: F811
    """A run as a retraining of three steps leaves it, scored at every one."""
    genotype = sample_genotype("generator", 3)
    genotype = genotype.model_copy(update={"provenance": Provenance(run="found/by", step=1)})
    experiment = Experiment(
        root=root,
        data={"name": "digits", "image_size": 16, "channels": 1},
        search={**SHORT, **NETWORKS, **EVALUATION},
        retrain={**SHORT, **NETWORKS, **EVALUATION},
    )
    with tracker.run(id, "retrain", f"{id} retrain", {"seed": seed}, {"advnas.workers": "2"}) as run:
        run.artifact("config.yaml", to_yaml(with_overrides(experiment, {"seed": seed})))
        run.genotypes({"generator": genotype})
        for step, score in enumerate(scores, start=1):
            run.report(Report(step, {"fd_digits": score, "images_per_second": 8.0}))
        run.scores({}, {"extractor": "digits", "samples": "64"})
    return run.run_id


def test_a_run_is_found_by_name_by_stage_and_by_address(tracker, root, uri):  # noqa: F811
    run_id = retrained(tracker, root, "mine/1234", [9.0, 7.0, 8.0])
    retrained(tracker, root, "mine2", [1.0, 1.0, 1.0], seed=1)
    for name in ("mine", f"runs:/{run_id}"):
        (found,) = candidates([name], root, uri)
        (training,) = found.trainings
        assert training.scores == {"fd_digits": 8.0}, "where training ended, not the best"
        assert list(training.curves["fd_digits"]) == [(1, 9.0), (2, 7.0), (3, 8.0)]
        # 3 steps of 8 images at 8 images a second, on 2 workers.
        assert training.hours == pytest.approx(3 * 2 / 3600)
        assert found.protocol == {"extractor": "digits", "samples": "64"}
        assert found.steps == 3


def test_an_experiment_gives_all_its_runs_and_seeds_are_repeats(tracker, root, uri):  # noqa: F811
    retrained(tracker, root, "mine", [9.0, 7.0, 8.0])
    retrained(tracker, root, "again", [9.0, 7.0, 6.0], seed=1)
    (found,) = candidates(["advnas"], root, uri)
    assert found.values("fd_digits") == (8.0, 6.0)


def test_reliability_is_quoted_where_it_was_measured_with_the_recipe_of_all(tracker, root, uri):  # noqa: F811
    retrained(tracker, root, "mine", [9.0, 7.0, 8.0])
    retrained(tracker, root, "again", [9.0, 7.0, 6.0], seed=1)
    everyone = candidates(["mine", "again"], root, uri)
    recipe = Experiment(
        root=root,
        data={"name": "digits", "image_size": 16, "channels": 1},
        search={**SHORT, **NETWORKS, **EVALUATION},
        retrain={**SHORT, **NETWORKS, "evaluation": {**EVALUATION["evaluation"], "samples": 64}},
    )
    other = genotype_changed(everyone[0])
    for experiment, run in ((recipe, "yardstick"), (with_overrides(recipe, {"retrain.steps": 4}), "longer")):
        save_measured(experiment, run, measured((0.5, 0.9, 0.95)))
    (group,) = groups_of([*everyone, other], measured=list(finished_runs(root)))
    told = [line for line in verdict(group) if "cannot be seen" in line]
    assert len(told) == 1
    assert "and 2 seeds, differences" in told[0], "the fewest runs of a candidate"
    assert "run yardstick" in told[0]
    write_page(root / "page.html", [group], everyone)
    assert "run yardstick: two seeds agree by" in (root / "page.html").read_text()
    slower = replace(other, recipe={**other.recipe, "retrain.ema_decay": "0.5"})
    (mixed,) = groups_of([*everyone, slower], measured=list(finished_runs(root)))
    assert mixed.known is None, "two recipes have no common limit"


def genotype_changed(candidate):
    """Another architecture with the same trainings."""
    return replace(candidate, name="other", genotype=sample_genotype("generator", 4))


def test_an_unfinished_run_has_no_score_and_says_why(tracker, root, uri):  # noqa: F811
    retrained(tracker, root, "short", [9.0, 7.0])
    (found,) = candidates(["short"], root, uri)
    assert found.values("fd_digits") == ()
    assert found.trainings[0].diverged == "stopped at step 2 of 3"


def test_the_zoo_and_files_need_no_store(tmp_path):
    sample_genotype("generator", 1).save(tmp_path / "mine.json")
    published, own = candidates(
        ["adversarialnas", str(tmp_path / "mine.json")], tmp_path, f"sqlite:///{tmp_path}/no.db"
    )
    assert published.parameters == 8_846_851
    assert published.published[0].fid == 10.87
    assert own.name == "mine"
    assert not (tmp_path / "no.db").exists()


@pytest.mark.parametrize(
    ("name", "parameters"), [("autogan_a", 4_405_251), ("e2gan", 4_867_331), ("alphagan_s", 2_952_707)]
)
def test_published_networks_of_other_spaces_have_their_published_size(tmp_path, name, parameters):
    (found,) = candidates([name], tmp_path, "")
    assert found.parameters == parameters


def test_an_unknown_name_says_what_would_do(root, uri):  # noqa: F811
    with pytest.raises(UserError, match="nobody: nothing of that name to compare; give a run"):
        candidates(["nobody"], root, uri)


def test_a_folder_without_runs_is_named(tmp_path):
    with pytest.raises(UserError, match="no runs here"):
        candidates(["mine"], tmp_path, f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_a_discriminator_is_refused(tmp_path):
    sample_genotype("discriminator", 1).save(tmp_path / "d.json")
    with pytest.raises(UserError, match="is a discriminator's"):
        candidates([str(tmp_path / "d.json")], tmp_path, "sqlite:///none.db")
