"""The duality gap: what it is on games that are solved by hand, and that measuring it changes no bit."""

import io
import math
from functools import partial

import pytest
import torch
from PIL import Image
from torch import nn

from orchestrator.checkpoints.derivations import record_derivation
from orchestrator.config.errors import ConfigError
from orchestrator.jobs.worker import run_worker
from orchestrator.plots.history import gaps, histories
from orchestrator.plots.search import convergence
from orchestrator.plots.watch import watch_files
from search_space.errors import UserError
from tests.contracts.test_strategies import config_of
from tests.orchestrator.tiny_jobs import Interrupted, Recorder, tiny_job
from tests.trainers import workers
from tests.trainers.small import (
    BATCH,
    CPU,
    differing,
    no_scores,
    search_batches,
    search_setup,
)
from trainers.config import SearchConfig
from trainers.gap import duality_gap
from trainers.options import AdamConfig
from trainers.search import search
from trainers.strategies.registry import STRATEGIES
from trainers.strategies.strategy import Players

pytestmark = pytest.mark.usefixtures("unchecked_shapes")

PLAYING = [name for name, strategy in STRATEGIES.items() if strategy(name=name).plays]


class Number(nn.Module):
    """A player that is one number."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))


class Game:
    """G's images are all its number, D's output is the mean of an image times its number."""

    def __init__(self, generator: float, discriminator: float) -> None:
        self.generator, self.discriminator = Number(generator), Number(discriminator)
        self.state = type("State", (), {"step": 0})()

    def players(self):
        return Players(
            self.generator,
            self.discriminator,
            images=lambda g, latents: g.value.expand(len(latents), 1, 16, 16),
            scored=lambda d, batch: d.value * batch.mean((1, 2, 3)).unsqueeze(1),
        )


class Flat:
    """Batches of images that are all 0."""

    def at(self, _step):
        return torch.zeros(BATCH, 1, 16, 16)


def setup_of(gap_steps, lr=0.5):
    rates = AdamConfig(lr=lr, betas=(0.0, 0.9))
    config = SearchConfig(
        batch_size=BATCH,
        generator_batch_size=BATCH,
        gap_steps=gap_steps,
        generator_optimizer=rates,
        discriminator_optimizer=rates,
    )
    return search_setup(config)


def test_the_gap_is_what_both_players_win_in_a_game_solved_by_hand():
    # V = -(1 + relu(1 + d g)) with real images of 0. The first step of Adam moves a number by its rate, 0.5:
    # D' = -1 - 0.5, so V(G, D') = -(1 + relu(1 - 1.5 * 0.4)) = -1.4. G's loss is -d g: G' = 0.4 - 0.5,
    # so V(G', D) = -(1 + 1 + 0.1) = -2.1.
    game = Game(0.4, -1.0)
    assert duality_gap(game, Flat(), setup_of(gap_steps=1)) == pytest.approx(-1.4 + 2.1, abs=1e-5)
    assert (float(game.generator.value.detach()), float(game.discriminator.value.detach())) == (
        pytest.approx(0.4),
        pytest.approx(-1.0),
    )


def test_the_gap_is_nothing_where_nobody_can_win():
    # Both numbers are 0: all images look the same, and no step changes a score.
    assert duality_gap(Game(0.0, 0.0), Flat(), setup_of(gap_steps=3)) == 0.0


def test_more_steps_of_strengthening_give_a_larger_gap():
    gaps = [duality_gap(Game(0.4, -1.0), Flat(), setup_of(steps, lr=0.05)) for steps in (1, 3, 6)]
    assert gaps == sorted(gaps)
    assert gaps[0] < gaps[-1]


def test_a_player_that_diverges_when_strengthened_leaves_no_number_and_no_error():
    assert math.isnan(duality_gap(Game(math.inf, -1.0), Flat(), setup_of(gap_steps=2)))


def searched(name, due):
    """State and metrics of a search with and without the gap, and of the generators around it."""
    config = config_of(name).model_copy(update={"gap_steps": 2})
    setup = search_setup(config)
    strategy = config.strategy.build(setup)
    torch.manual_seed(5)
    reports = list(search(strategy, search_batches(), setup, no_scores, due))
    return strategy.state, reports, torch.rand(3)


@pytest.mark.parametrize("name", PLAYING)
def test_measuring_it_changes_nothing_of_the_search(name):
    state, reports, drawn = searched(name, lambda _: False)
    other, measured, drawn_then = searched(name, lambda step: step % 2 == 0)
    assert differing(state.state_dict(), other.state_dict()) == []
    assert torch.equal(drawn, drawn_then), "nothing is drawn from torch's own generator"
    assert [math.isfinite(report.metrics.get("gap", math.nan)) for report in measured] == [True, True, False]
    for plain, watched in zip(reports, measured, strict=True):
        free = {"gap", "images_per_second"}
        assert {n: v for n, v in watched.metrics.items() if n not in free} == {
            n: v for n, v in plain.metrics.items() if n not in free
        }
        assert watched.genotypes == plain.genotypes
        assert torch.equal(watched.samples, plain.samples)


@pytest.mark.parametrize("name", PLAYING)
def test_it_is_the_same_when_measured_again_and_does_not_learn_from_the_last_time(name):
    config = config_of(name).model_copy(update={"gap_steps": 2})
    setup = search_setup(config)
    strategy = config.strategy.build(setup)
    first, again = (duality_gap(strategy, search_batches(), setup) for _ in range(2))
    assert first == again
    assert math.isfinite(first)


def test_two_workers_measure_what_one_measures(tmp_path):
    found = workers.run({name: partial(workers.gap_run, name) for name in PLAYING}, tmp_path)
    for name in PLAYING:
        alone = workers.gap_run(name)
        assert [worker[name] for worker in found] == pytest.approx([alone, alone], abs=1e-6), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"search.strategy": "random", "search.evaluation.metrics": ["gap"]},
            'search.evaluation.metrics = ["gap"]: gap needs a G and a D that play each other, and random '
            "trains none; use adversarial or one_shot as search.strategy, or another metric",
        ),
        (
            {"retrain.evaluation.metrics": ["fd", "gap"]},
            'retrain.evaluation.metrics = ["fd", "gap"]: gap is measured in searches; name it in '
            "search.evaluation.metrics",
        ),
        ({"search.gap_steps": 0}, "search.gap_steps = 0: must be greater than 0"),
    ],
)
def test_where_it_cannot_be_measured_one_line_says_so(options, message, tmp_path):
    with pytest.raises(ConfigError) as refused:
        tiny_job(tmp_path, **{name.replace(".", "__"): value for name, value in options.items()})
    assert str(refused.value) == message


def test_a_strategy_that_chooses_by_scores_needs_another_metric_too(tmp_path):
    job = tiny_job(
        tmp_path,
        search__strategy="one_shot",
        search__evaluation__metrics=["gap"],
        search__evaluation__every=1,
    )
    with pytest.raises(UserError, match=r"one_shot chooses by scores of images, and .*name another metric"):
        run_worker(job, Recorder(), CPU)


@pytest.mark.parametrize("metrics", [["gap"], ["fd", "gap"]])
def test_a_job_reports_it_where_an_evaluation_is_due_and_a_retrained_step_gives_the_same(metrics, tmp_path):
    options = {"search__evaluation__metrics": metrics, "search__evaluation__every": 2, "search__gap_steps": 2}
    options |= {"search__evaluation__samples": 20}
    whole, stopped, resumed = Recorder(), Recorder(fails_at=2), Recorder()
    run_worker(tiny_job(tmp_path / "whole", **options), whole, CPU)
    assert ["gap" in report.metrics for report in whole.reports] == [False, True, True]
    assert ["fd_digits" in report.metrics for report in whole.reports] == [
        False,
        "fd" in metrics,
        "fd" in metrics,
    ]
    with pytest.raises(Interrupted):
        run_worker(tiny_job(tmp_path / "again", **options), stopped, CPU)
    run_worker(tiny_job(tmp_path / "again", **options), resumed, CPU)
    assert [report.metrics.get("gap") for report in (stopped.reports[0], *resumed.reports)] == [
        report.metrics.get("gap") for report in whole.reports
    ]


def test_it_is_recorded_beside_the_genotypes_and_drawn(tmp_path):
    options = {"search__evaluation__metrics": ["gap"], "search__evaluation__every": 1, "search__gap_steps": 1}
    job, recorder = tiny_job(tmp_path, **options), Recorder()
    run_worker(job, recorder, CPU)
    for report in recorder.reports:
        record_derivation(job.folder, report)
    found = gaps(job.folder)
    assert found == [(report.step, report.metrics["gap"]) for report in recorder.reports]
    with_gap, without = convergence(histories(job.folder), found), convergence(histories(job.folder))
    assert height(with_gap) > height(without)
    assert watch_files(job.folder, animate=False)["watch_convergence.png"] == with_gap


def height(png):
    return Image.open(io.BytesIO(png)).height
