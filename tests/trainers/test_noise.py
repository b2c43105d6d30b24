import pytest
import torch

from search_space.architecture import Architecture
from trainers.guarded_step import PHASES
from trainers.noise import SeededNoise

CPU = torch.device("cpu")
ALPHA = Architecture("generator")


def draws(seed: int = 0, step: int = 0) -> SeededNoise:
    return SeededNoise(seed, step, latent_dim=5, device=CPU)


@pytest.fixture
def on_worker(monkeypatch):
    def become(rank: int, world_size: int) -> None:
        monkeypatch.setattr("trainers.noise.rank", lambda: rank)
        monkeypatch.setattr("trainers.noise.world_size", lambda: world_size)

    return become


def test_draws_depend_on_seed_and_step_alone():
    torch.manual_seed(1)
    first = draws().latents("beta", 4), draws().noise("beta", 0, ALPHA)
    torch.manual_seed(2)
    again = draws().latents("beta", 4), draws().noise("beta", 0, ALPHA)
    assert torch.equal(first[0], again[0])
    assert all(torch.equal(a, b) for a, b in zip(first[1].values(), again[1].values(), strict=True))


def test_every_update_of_every_step_has_latents_of_its_own():
    latents = [
        draws(seed, step).latents(phase, 4)[0, 0].item()
        for seed in range(2)
        for step in range(2)
        for phase in PHASES
    ]
    assert len(set(latents)) == len(latents)


def test_every_forward_of_every_network_has_noise_of_its_own():
    noise = [
        draws(seed, step).noise(phase, forward, architecture)["normal"][0, 0, 0].item()
        for seed in range(2)
        for step in range(2)
        for phase in PHASES
        for forward in range(2)
        for architecture in (ALPHA, Architecture("discriminator"))
    ]
    assert len(set(noise)) == len(noise)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_share_the_latents_of_one_batch(workers, on_worker):
    expected = draws().latents("alpha", 6)
    shares = []
    for rank in range(workers):
        on_worker(rank, workers)
        shares.append(draws().latents("alpha", 6))
    assert {len(share) for share in shares} == {6 // workers}
    assert torch.equal(torch.cat(shares), expected)


def test_workers_train_the_same_sampled_network(on_worker):
    expected = draws().noise("alpha", 0, ALPHA)
    on_worker(1, 2)
    assert torch.equal(draws().noise("alpha", 0, ALPHA)["normal"], expected["normal"])


def test_latents_are_standard_normal():
    latents = SeededNoise(0, 0, 100, CPU).latents("generator", 200)
    assert latents.mean().item() == pytest.approx(0, abs=0.02)
    assert latents.std().item() == pytest.approx(1, abs=0.02)
