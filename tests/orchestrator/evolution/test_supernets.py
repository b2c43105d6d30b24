"""Evolution over inherited scores: real supernets of the smallest networks, killed and gone on with."""

import io
import json
import signal

import pyarrow.parquet as pq
import pytest
import torch
import yaml
from mlflow import MlflowClient

from orchestrator.__main__ import main
from orchestrator.checkpoints.store import CheckpointStore
from orchestrator.config.experiment import load_experiment
from orchestrator.console.console import Console
from orchestrator.evolution.stage import evolve_genotypes
from orchestrator.jobs.supernets import InheritedScores, supernets_of
from orchestrator.stages.train import search
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.sampling import sample_genotype
from tests.orchestrator.evolution.killed import run_killed
from tests.orchestrator.tiny_jobs import differences
from tests.orchestrator.trained import write_config
from tests.orchestrator.yardstick.reliable import measured, save_measured
from tests.orchestrator.yardstick.test_trust import write_table

EVOLVE = {"supernets": 2, "random": 5, "children": 3, "tournament": 2, "together": 2, "derivations": 2}
ONE_SHOT = {
    "name": "one_shot",
    "supernets": 2,
    "paths": 2,
    "probe_every": 2,
    "probe_paths": 2,
    "calibration_latents": 16,
    "evolution": {"random": 2, "children": 1},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def config(root):
    path = write_config(root / "config.yaml", root)
    document = yaml.safe_load(path.read_text())
    document["search"] |= {"strategy": ONE_SHOT, "steps": 4}
    document["search"]["evaluation"] = document["search"]["evaluation"] | {"every": 1}
    document["evolve"] = EVOLVE
    path.write_text(yaml.safe_dump(document))
    return path


def experiment_of(config, **options):
    return load_experiment(str(config), {name.replace("__", "."): text for name, text in options.items()})


def evolve(config, name, screen=None, **options):
    return evolve_genotypes(experiment_of(config, name=name, **options), Console(screen or io.StringIO()))


def rows(folder):
    return pq.read_table(folder / "candidates.parquet").to_pylist()


TRAINING = (
    "--evolve.fitness",
    "training",
    "--evolve.steps",
    "3",
    "--evolve.random",
    "2",
    "--evolve.children",
    "1",
)
"""Three short trainings."""


def final_states(folder):
    """Everything that the supernets of an evolution have trained."""
    folders = sorted(folder.glob("supernet-*/checkpoints"))
    return [CheckpointStore(each, 1).latest().state() for each in folders]


@pytest.mark.parametrize(
    ("options", "place", "at"),
    [
        pytest.param((), "report", 5 + 2, id="while the second supernet is trained"),
        pytest.param((), "score", 6, id="while the second child of a generation is scored"),
        pytest.param(TRAINING, "report", 3 + 2, id="while the second candidate is trained"),
    ],
)
def test_one_that_was_killed_comes_to_the_same_candidates_scores_and_files(
    config, root, options, place, at, capsys
):
    words, kind = ["evolve", str(config), *options], "trained" if options else "whole"
    child = run_killed([*words, "--name", f"killed-{kind}-{at}"], place, at)
    assert child.returncode == -signal.SIGKILL
    one, other = root / f"killed-{kind}-{at}" / "evolve", root / kind / "evolve"
    assert not (one / "result.json").exists()
    assert main([*words, "--name", f"killed-{kind}-{at}"]) == 0
    assert main([*words, "--name", kind, "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["metrics"]["candidates"] == (3 if options else 8)
    assert rows(one) == rows(other)
    assert (one / "scored.jsonl").read_text() == (other / "scored.jsonl").read_text()
    states = final_states(other)
    assert len(states) == (0 if options else 2)
    assert differences(final_states(one), states) == []
    for row in () if options else rows(other):
        assert row["score_0"] != row["score_1"], "each supernet has its own"


def test_candidates_score_what_their_path_of_the_searchs_own_supernets_scores(config, root):
    """A search and an evolution `of` it, whose candidates it scores alike."""
    experiment = experiment_of(config, name="searched", search__steps="7")
    search(experiment, Console(io.StringIO()))
    checkpoint = sorted((root / "searched/search/checkpoints").glob("step-*"))[-1]
    state = torch.load(checkpoint / "state.pt", weights_only=True)
    of = experiment_of(config, name="of", evolve__of="[searched]", search__steps="7")
    evolve_genotypes(of, Console(io.StringIO()))
    assert not list((root / "of/evolve").glob("supernet-*"))
    found = supernets_of(CheckpointStore(checkpoint.parent, 1).latest())
    scores = InheritedScores(of, tuple(found), torch.get_num_threads())
    told = state["evolution"]["scored"]
    for entry in told:
        genotype = Genotype(network="generator", cells=entry["cells"])
        assert scores(genotype) == pytest.approx(entry["scores"], rel=1e-6)
    assert len(told) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"evolve__of": "[nobody]"}, "evolve.of = nobody: no search has left a checkpoint there"),
        (
            {"evolve__of": "[searched]", "search__generator__channels": "6"},
            r"evolve.of = searched: its supernets have search.generator.channels = 4, this run 6",
        ),
        (
            {"evolve__of": "[adversarial]"},
            "evolve.of = adversarial: was searched by adversarial; name a run of one_shot",
        ),
    ],
)
def test_supernets_that_do_not_fit_are_refused(config, root, options, said):
    if "adversarial" in said and not (root / "adversarial").exists():
        search(
            experiment_of(config, name="adversarial", search__strategy="adversarial", search__steps="1"),
            Console(io.StringIO()),
        )
    with pytest.raises(UserError, match=said):
        evolve_genotypes(
            experiment_of(config, name="misfit-" + str(len(said)), **options), Console(io.StringIO())
        )


def test_fine_tuning_trains_on_from_the_supernet(config, root):
    """More steps move scores, none leaves what inherited weights give."""
    store = CheckpointStore(root / "whole/evolve/supernet-0/checkpoints", 1)
    supernets, experiment = tuple(supernets_of(store.latest())), experiment_of(config)
    genotype = sample_genotype("generator", 5)
    inherited, again, tuned, longer = (
        InheritedScores(experiment, supernets, 1, steps)(genotype) for steps in (0, 0, 2, 4)
    )
    assert inherited == again
    assert len({inherited, tuned, longer}) == 3
    assert tuned == InheritedScores(experiment, supernets, 1, 2)(genotype)


def test_real_trainings_of_the_recipe_say_how_far_to_trust_both_kinds_of_search(config, root):
    scored = {"retrain__evaluation__every": "1"}
    experiment = experiment_of(config, **scored)
    folder = save_measured(experiment, "yard", measured((0.5, 0.9)))
    write_table(folder / "reliability.parquet")
    screen = io.StringIO()
    evolved = evolve(config, "trusted", screen, **scored)
    searched = search(
        experiment_of(config, name="one-shot", retrain__evaluation__every="1", search__steps="7"),
        Console(screen),
    )
    for sentence, stage, run in (
        (evolved.trust, "trusted/evolve", evolved.run),
        (searched.trust, "one-shot/search", searched.run),
    ):
        assert sentence.startswith("inherited scores rank the 8 real trainings of run yard by ")
        assert (root / stage / "trust.png").read_bytes().startswith(b"\x89PNG")
        figures = json.loads((root / stage / "trust.json").read_text())
        assert len(figures["each"]) == 2
        recorded = MlflowClient(run.tracking_uri).get_run(run.run_id).data
        assert recorded.metrics["trust_spearman"] == pytest.approx(figures["spearman"][0])
        assert recorded.tags["advnas.trust"] == sentence
