import torch

from search_space.pixels import to_uint8


def test_images_become_bytes_by_truncation_as_published_scores_count_them():
    values = [-1.0, 1.0, 0.0, 0.0038, -2.0, 2.0, 126.9 / 127.5]
    images = torch.tensor(values).expand(1, 1, 7, 7)
    assert to_uint8(images)[0, 0, 0].tolist() == [0, 255, 127, 127, 0, 255, 254]
