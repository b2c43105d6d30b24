import torch

from trainers.samples import GRID_IMAGES, sample_grid

CPU = torch.device("cpu")


def as_images(latents: torch.Tensor) -> torch.Tensor:
    return latents.tanh().view(-1, 1, 2, 2)


def test_grid_shows_the_same_latents_at_every_step():
    first, later = (sample_grid(as_images, 4, seed=3, device=CPU) for _ in range(2))
    assert first.shape == (GRID_IMAGES, 1, 2, 2)
    assert torch.equal(first, later)
    assert not torch.equal(first, sample_grid(as_images, 4, seed=4, device=CPU))


def test_grid_leaves_the_global_random_numbers_alone():
    before = torch.random.get_rng_state()
    sample_grid(as_images, 4, seed=3, device=CPU)
    assert torch.equal(torch.random.get_rng_state(), before)
