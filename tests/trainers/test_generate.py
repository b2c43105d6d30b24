"""Images by number."""

import pytest
import torch
from torch import Tensor

from trainers.samples import GeneratorError, generated, latent

CPU = torch.device("cpu")


def picture(latents: Tensor) -> Tensor:
    """A generator whose images are their latents."""
    return latents.view(-1, 1, 2, 2).tanh()


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_images_are_the_same_for_any_batch_size(batch_size: int) -> None:
    together = torch.cat(list(generated(picture, 4, 7, 5, 7, CPU)))
    assert torch.equal(torch.cat(list(generated(picture, 4, 7, 5, batch_size, CPU))), together)


def test_an_image_does_not_depend_on_how_many_there_are() -> None:
    few, many = (torch.cat(list(generated(picture, 4, count, 0, 4, CPU))) for count in (3, 9))
    assert torch.equal(many[:3], few)


def test_every_number_and_every_seed_has_its_own_latent() -> None:
    latents = [latent(seed, number, 4) for seed in (0, 1) for number in (0, 1)]
    assert len({tuple(z.tolist()) for z in latents}) == 4


def test_minus_one_is_black_and_one_is_white() -> None:
    ends = torch.tensor([[-1.0, 1.0], [1.0, -1.0]])
    (images,) = generated(lambda z: ends.expand(len(z), 1, 2, 2), 4, 2, 0, 2, CPU)
    assert images.tolist() == [[[[0, 255], [255, 0]]]] * 2
    assert images.dtype == torch.uint8


def test_a_generator_that_has_diverged_is_not_black_images() -> None:
    with pytest.raises(GeneratorError, match="not finite"):
        next(generated(lambda z: z.view(-1, 1, 2, 2) * float("nan"), 4, 2, 0, 2, CPU))
