"""The command as a whole: stand-ins for trainings, files, resuming; once real trainings that are killed."""

import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from orchestrator.__main__ import main
from orchestrator.compare.resolve import candidates
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import with_overrides
from orchestrator.console.console import Console
from orchestrator.jobs.job import Outcome
from orchestrator.stages.session import Session
from orchestrator.zoo.choice import zoo_plan
from orchestrator.zoo.stage import retrain_zoo_in
from search_space.spaces.registry import SPACES
from search_space.zoo.published import PUBLISHED
from tests.orchestrator.tiny_jobs import tiny_job
from tests.orchestrator.trained import write_config
from trainers.guarded_step import NonFiniteLoss
from trainers.report import Report

GENERATORS = [name for name, entry in PUBLISHED.items() if entry.genotype.network == "generator"]
MEANS = {"autogan_a": 10.0, "e2gan": 20.0, "alphagan_s": 30.0}
PACE = 2.0
NAMES = {entry.genotype.content_hash: name for name, entry in PUBLISHED.items()}


class Launches:
    """Seeds score 1 below and 1 above the network's own mean; some launches end otherwise."""

    def __init__(self, diverging=(), killed_at=None):
        self.done, self._diverging, self._killed_at = [], diverging, killed_at

    def __call__(self, job, emit):
        name = NAMES[job.genotypes["generator"].content_hash]
        if len(self.done) + 1 == self._killed_at:
            raise KeyboardInterrupt
        self.done.append((name, job.experiment.seed))
        for step in (1, 2, 3):
            score = MEANS.get(name, 90.0) + (-1 if job.experiment.seed % 2 == 0 else 1) + 3 - step
            emit(Report(step, {"fd_digits": score, "loss_generator": 1.0, "images_per_second": PACE}))
        if name in self._diverging:
            raise NonFiniteLoss("loss of the generator at step 4")
        return Outcome(3, {"fd_digits": score}, {}, job.folder, "images", {"extractor": "digits"})


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """One folder of runs, so one MLflow database; each test has its names."""
    return tmp_path_factory.mktemp("runs")


def experiment_in(root, **options):
    values = {"retrain.evaluation.every": 1} | {n.replace("__", "."): v for n, v in options.items()}
    return with_overrides(tiny_job(root).experiment, values)


def compare(root, run, launch, names=tuple(MEANS), seeds=2, **options):
    session = Session.begin(experiment_in(root, name=run, **options), Console(io.StringIO()))
    return retrain_zoo_in(session, zoo_plan(session.experiment, names, seeds, 1), launch)


def test_every_published_generator_is_trained_with_the_same_seeds(root):
    launches = Launches()
    result = compare(root, "every", launches, names=None, seeds=3, seed=4)
    assert launches.done == [(name, seed) for name in GENERATORS for seed in (4, 5, 6)]
    assert result.left_out == {}


def test_the_comparison_has_mean_and_deviation_of_every_network_of_every_space(root):
    result = compare(root, "three", Launches())
    assert result.metrics == pytest.approx(
        {f"fd_digits_mean/{name}": mean for name, mean in MEANS.items()}
        | {f"fd_digits_deviation/{name}": 2**0.5 for name in MEANS}
    )
    assert result.verdict[0] == "Best of 3: autogan_a, fd_digits 10 ± 1.4 (2 runs)."
    assert "Ahead of e2gan by 10 (7.1 standard errors): real" in result.verdict[1]
    rows = pq.read_table(result.rows).to_pylist()
    spaces = {"autogan_a": "autogan", "e2gan": "autogan", "alphagan_s": "alphagan"}
    assert {row["name"]: (row["space"], row["scores"]) for row in rows} == {
        name: (space, [MEANS[name] - 1, MEANS[name] + 1]) for name, space in spaces.items()
    }
    page = result.page.read_text()
    assert "3. alphagan_s: of another space, alphagan" in page
    assert "2. e2gan: 12 edges differ from the best (marked)" in page
    assert result.chart.read_bytes().startswith(b"\x89PNG")
    assert json.loads((root / "three/zoo/result.json").read_text())["verdict"] == list(result.verdict)


def test_mlflow_has_the_scores_the_files_and_how_they_were_made(root):
    result = compare(root, "recorded", Launches())
    run = MlflowClient(result.run.tracking_uri).get_run(result.run.run_id)
    assert run.data.metrics["fd_digits_mean/e2gan"] == 20.0
    assert run.data.tags["advnas.score.extractor"] == "digits"
    artifacts = MlflowClient(result.run.tracking_uri).list_artifacts(result.run.run_id)
    assert {"comparison.html", "comparison.png", "comparison.parquet", "trainings.json", "config.yaml"} <= {
        each.path for each in artifacts
    }


def test_compare_finds_its_trainings_by_the_name_of_the_run(root):
    result = compare(root, "found", Launches())
    found = candidates(["found"], root, result.run.tracking_uri)
    assert {each.name: each.values("fd_digits") for each in found} == {
        f"found: {name}": (mean - 1, mean + 1) for name, mean in MEANS.items()
    }
    assert list(found[0].trainings[0].curves["fd_digits"]) == [(1, 11.0), (2, 10.0), (3, 9.0)]
    # Three steps of the tiny job's eight images at two a second.
    assert [each.hours for each in found[0].trainings] == pytest.approx([12 / 3600] * 2)
    assert [result.fid for result in found[0].published] == [12.42, 31.01], "of exactly this genotype"


def test_an_interrupted_comparison_goes_on_with_the_trainings_it_has(root):
    with pytest.raises(KeyboardInterrupt):
        compare(root, "stopped", Launches(killed_at=4))
    resumed = Launches()
    result = compare(root, "stopped", resumed)
    assert resumed.done == [("e2gan", 1), ("alphagan_s", 0), ("alphagan_s", 1)]
    assert result.metrics == compare(root, "undisturbed", Launches()).metrics


def test_more_names_and_seeds_extend_a_comparison_that_has_ended(root):
    compare(root, "extended", Launches(), names=["autogan_a"])
    more = Launches()
    compare(root, "extended", more, names=["autogan_a", "e2gan"], seeds=3)
    assert more.done == [("autogan_a", 2), ("e2gan", 0), ("e2gan", 1), ("e2gan", 2)]


def test_trainings_of_another_recipe_are_refused(root):
    compare(root, "recipe", Launches())
    with pytest.raises(ConfigError, match=r"retrain.ema_decay = 0.5: the zoo in .* another name"):
        compare(root, "recipe", Launches(), retrain__ema_decay=0.5)


def test_a_network_whose_trainings_diverge_is_listed_without_a_score(root):
    result = compare(root, "diverging", Launches(diverging=["e2gan"]))
    rows = {row["name"]: row for row in pq.read_table(result.rows).to_pylist()}
    assert (rows["e2gan"]["mean"], rows["e2gan"]["without_score"]) == (None, 2)
    assert "2 of 6 trainings came to no score." in result.verdict
    nobody = compare(root, "nobody", Launches(diverging=list(MEANS)))
    assert nobody.verdict[0] == "No answer: no training came to a score."
    assert nobody.chart.read_bytes().startswith(b"\x89PNG")


def test_the_named_discriminator_is_everybodys_opponent(root):
    class Watched(Launches):
        def __call__(self, job, emit):
            opponents.append(job.genotypes["discriminator"])
            return super().__call__(job, emit)

    opponents = []
    compare(root, "opponent", Watched(), retrain__discriminator__architecture="eagan_cifar10")
    assert opponents == [PUBLISHED["eagan_cifar10"].genotype] * 6


def test_what_does_not_fit_is_left_out_and_the_reason_is_told(root, monkeypatch):
    from dataclasses import replace

    flat = replace(SPACES["alphagan"], image_size=lambda config: 4 * config.bottom_width)
    monkeypatch.setitem(SPACES, "alphagan", flat)
    screen = io.StringIO()
    session = Session.begin(experiment_in(root, name="misfits"), Console(screen))
    launches = Launches()
    result = retrain_zoo_in(session, zoo_plan(session.experiment, None, 1, 1), launches)
    reason = "the space alphagan makes images of 8x8, those of data are 16x16"
    assert result.left_out == {"alphagan_s": reason, "alphagan_l": reason}
    assert f"zoo: alphagan_s is left out: {reason}" in " ".join(screen.getvalue().split())
    assert {name for name, _ in launches.done} == set(GENERATORS) - {"alphagan_s", "alphagan_l"}
    with pytest.raises(ConfigError, match=r"alphagan_s cannot be trained with this configuration: the space"):
        zoo_plan(session.experiment, ["autogan_a", "alphagan_s"], 1, 1)


KILLED = """
import os, signal, sys
from orchestrator.__main__ import main
from orchestrator.trainings import runs
append, lines = runs.append_entry, []
def append_and_die(path, entry):
    append(path, entry)
    lines.append(path)
    if len(lines) == 6:  # the second report of the second training; the first one is complete
        os.kill(os.getpid(), signal.SIGKILL)
runs.append_entry = append_and_die
main(sys.argv[1:])
"""


def timeless(file):
    """What a comparison keeps, but how long it took."""
    content = json.loads(file.read_text())
    hours = [training.pop("hours") for network in content["networks"] for training in network["trainings"]]
    assert all(0 < each < 1 for each in hours)
    return content


def test_real_trainings_that_were_killed_go_on_to_the_same_scores_and_generators(tmp_path, capsys):
    config = write_config(tmp_path / "config.yaml", tmp_path)
    words = ["zoo", "retrain", str(config), "--names", "e2gan,alphagan_s", "--seeds", "1"]
    words += ["--retrain.evaluation.every", "1", "--retrain.evaluation.samples", "32"]
    killed = [*words, "--name", "killed"]
    child = subprocess.run([sys.executable, "-c", KILLED, *killed], check=False)
    assert child.returncode == -signal.SIGKILL
    journal = (tmp_path / "killed/zoo/runs.jsonl").read_text().split()
    assert len([line for line in journal if "genotype" in line]) == 1
    assert main(killed) == 0
    assert main([*words, "--name", "whole", "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(json.loads(Path(result["trainings"]).read_text())["networks"]) == 2
    one, other = (tmp_path / name / "zoo" for name in ("killed", "whole"))
    assert timeless(one / "trainings.json") == timeless(other / "trainings.json")
    kept = sorted(path.relative_to(other) for path in other.glob("*/seed-0/generator.pt"))
    assert len(kept) == 2
    assert not list(other.glob("*/seed-0/checkpoints/step-*")), "generators are all that is kept"
    page = (other / "comparison.html").read_text()
    assert page.count("data:image/png;base64,") == 2
