"""Derivation by perturbation: what is missed when it is removed, edge by edge."""

import copy

import pytest
import torch

from search_space.errors import UserError
from search_space.relaxation import relax
from search_space.topology import NONE
from tests.trainers import workers
from tests.trainers.small import Given, adversarial, differing, halves, search_config, search_state
from trainers.noise import SeededNoise
from trainers.strategies import adversarial as module
from trainers.strategies.perturbation import Decisions, Perturbation

pytestmark = pytest.mark.usefixtures("unchecked_shapes")


@pytest.fixture(autouse=True)
def few_latents(monkeypatch):
    monkeypatch.setattr(module, "CALIBRATION", 8)


EDGES = 21
STEPS = 1 + EDGES
"""One of training, then an edge a step."""


def config(**changes: object):
    return search_config(**{"derive": "perturbation", "perturbation_steps": 1, "steps": STEPS} | changes)


def brightness(sample) -> dict[str, float]:
    """A score, the lower the better, that needs no real images."""
    latents = torch.randn(4, 6, generator=torch.Generator().manual_seed(7))
    return {"fd": float(sample(latents).mean()) + 2.0}


def search_of(**changes: object):
    strategy = adversarial(search_state(config(**changes)), config(**changes))
    strategy.use_scores(brightness)
    return strategy


def take(strategy, steps: int):
    for _ in range(steps):
        step = strategy.state.step
        strategy.step(Given(*halves()), SeededNoise(0, step, 6, torch.device("cpu")))
    return strategy


def test_edges_are_decided_one_a_step_and_alpha_stands_still_meanwhile():
    strategy = take(search_of(), 1)
    alpha = copy.deepcopy(strategy.state.alpha.state_dict())
    weights = copy.deepcopy(strategy.state.generator.state_dict())
    for number in range(EDGES):
        assert strategy.state.decisions.count == number
        take(strategy, 1)
    assert strategy.diagnostics().scalars["edges_decided"] == EDGES
    assert differing(strategy.state.alpha.state_dict(), alpha) == []
    assert differing(strategy.state.generator.state_dict(), weights)


def test_an_edge_keeps_the_primitive_without_which_the_score_is_worst():
    """Against removals by hand: the weight of one column set to 0, batch statistics of all latents."""
    strategy = take(search_of(), 1)
    state = strategy.state
    latents = torch.randn(100, 6, generator=torch.Generator().manual_seed(1))
    place = state.decisions.places[9]
    cell, group, row, names = place
    assert NONE in names
    found = Perturbation(state.ema_generator, state.alpha, state.decisions, latents).damage(place, brightness)
    scores = {}
    for column, name in [(None, "all"), *enumerate(names)]:
        weights = relax(state.alpha, "softmax")
        if column is not None and name != NONE:
            weights[group] = weights[group].detach().clone()
            weights[group][cell, row, column] = 0
        generator = copy.deepcopy(state.ema_generator).train()
        generator.norm.momentum = 1.0  # the statistics of the last batch alone
        with torch.no_grad():
            generator(latents, weights)
            generator.eval()
            score = brightness(lambda z, g=generator, w=weights: g(z, w))["fd"]
        scores[name] = torch.tensor(score).log().item()
    expected = {name: scores[name] - scores["all"] for name in names}
    assert found[NONE] == 0.0
    assert found == pytest.approx(expected, abs=1e-6)
    state.decisions.decide(place, found)
    chosen = state.decisions.applied(relax(state.alpha, "softmax"))[group][cell, row]
    assert chosen.tolist() == [float(name == max(expected, key=expected.get)) for name in names]


def test_what_is_derived_are_the_decisions_and_every_node_has_an_input():
    strategy = search_of()
    decisions: Decisions = strategy.state.decisions
    wanted = {}
    for number, place in enumerate(decisions.places):
        cell, _, _, names = place
        wanted[cell, number % 7] = names[number % len(names)]
        decisions.decide(place, {name: float(name == wanted[cell, number % 7]) for name in names})
    found = strategy.derived()["generator"]  # valid, as a genotype that is not cannot be made
    differing_edges = [place for place, name in wanted.items() if found.cells[place[0]][place[1]] != name]
    assert all(wanted[place] == NONE for place in differing_edges), "only a missing input is repaired"
    assert len(differing_edges) < EDGES / 2


@pytest.mark.parametrize("stopped", [1, 9])
def test_it_goes_on_from_a_checkpoint_bit_by_bit(stopped):
    whole = take(search_of(), STEPS)
    resumed = search_of()
    resumed.state.load_state_dict(copy.deepcopy(take(search_of(), stopped).state.state_dict()))
    take(resumed, STEPS - stopped)
    assert differing(resumed.state.state_dict(), whole.state.state_dict()) == []
    assert resumed.derived() == whole.derived()


def test_another_seed_decides_in_another_order():
    decisions = search_of().state.decisions
    assert decisions.in_order(0) != decisions.in_order(1)
    assert sorted(decisions.in_order(0)) == sorted(decisions.places)


def test_by_alpha_no_checkpoint_has_decisions():
    config = search_config()
    assert "decisions" not in search_state(config).state_dict()


def test_too_few_steps_are_refused_with_the_arithmetic():
    with pytest.raises(UserError, match=r"search.steps = 21: the last 21 decide an edge every 1 "):
        search_of(steps=EDGES)


def test_two_workers_decide_every_edge_as_one_does_that_computes_their_ghost_batches(tmp_path):
    state, genotypes = workers.perturbation_run()
    decided = [value for name, value in state.items() if name.endswith("_decided")]
    assert sum(int(each.sum()) for each in decided) == EDGES
    for worker in workers.run({"perturbation": workers.perturbation_run}, tmp_path):
        found_state, found_genotypes = worker["perturbation"]
        assert found_genotypes == genotypes
        assert found_state.keys() == state.keys()
        for path, value in state.items():
            torch.testing.assert_close(found_state[path], value, rtol=1e-9, atol=1e-12, msg=path)
