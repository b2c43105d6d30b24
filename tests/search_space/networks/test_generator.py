"""A batch in shares is normalised as if workers had held them, one share each; images become bytes."""

import pytest
import torch

from search_space.networks.generator import GhostBatchNorm2d, to_uint8


def norm_of(shares: int) -> GhostBatchNorm2d:
    norm = GhostBatchNorm2d(3).double()
    norm.shares = shares
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, 3.0]))
        norm.bias.copy_(torch.tensor([0.5, 0.0, -0.5]))
    return norm


def maps() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 3, 4, 4, dtype=torch.float64, generator=generator).requires_grad_()


def test_shares_are_normalised_apart():
    norm, x = norm_of(3), maps()
    apart = [norm_of(1) for _ in range(3)]
    expected = torch.cat([alone(share) for alone, share in zip(apart, x.chunk(3), strict=True)])
    torch.testing.assert_close(norm(x), expected, rtol=0, atol=1e-14)
    for name in ("running_mean", "running_var"):
        mean = sum(getattr(alone, name) for alone in apart) / 3
        torch.testing.assert_close(getattr(norm, name), mean, rtol=0, atol=1e-14)
    assert norm.num_batches_tracked == 1


def test_gradients_are_those_of_the_shares():
    norm, x = norm_of(2), maps()
    (found,) = torch.autograd.grad(norm(x).pow(3).sum(), x)
    expected = [torch.autograd.grad(norm_of(1)(share).pow(3).sum(), share)[0] for share in split(x, 2)]
    torch.testing.assert_close(found, torch.cat(expected), rtol=1e-12, atol=1e-12)


def test_a_whole_batch_is_another_matter():
    assert not torch.allclose(norm_of(2)(maps()), norm_of(1)(maps()), atol=0.01)


@pytest.mark.parametrize("shares", [1, 2])
def test_evaluation_knows_no_shares(shares):
    norm = norm_of(shares).eval()
    expected = torch.nn.BatchNorm2d(3).double().eval()
    expected.load_state_dict(norm.state_dict())
    torch.testing.assert_close(norm(maps()), expected(maps()), rtol=0, atol=0)


def test_channels_stay_innermost():
    x = maps().detach().contiguous(memory_format=torch.channels_last)
    assert norm_of(2)(x).is_contiguous(memory_format=torch.channels_last)


def test_images_become_bytes_by_truncation_as_published_scores_count_them():
    values = [-1.0, 1.0, 0.0, 0.0038, -2.0, 2.0, 126.9 / 127.5]
    images = torch.tensor(values).expand(1, 1, 7, 7)
    assert to_uint8(images)[0, 0, 0].tolist() == [0, 255, 127, 127, 0, 255, 254]


def split(x: torch.Tensor, shares: int) -> list[torch.Tensor]:
    return [share.detach().requires_grad_() for share in x.chunk(shares)]
