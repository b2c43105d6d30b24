import io

import torch
from PIL import Image

from orchestrator.plots.images import image_grid


def picture(images: torch.Tensor) -> Image.Image:
    return Image.open(io.BytesIO(image_grid(images)))


def test_images_stand_row_by_row_with_gaps_and_colours_stay():
    images = torch.zeros(9, 3, 100, 100, dtype=torch.uint8)
    images[1] = torch.tensor([10, 20, 30], dtype=torch.uint8).view(3, 1, 1)
    images[8] = torch.tensor([40, 50, 60], dtype=torch.uint8).view(3, 1, 1)
    grid = picture(images)
    assert grid.size == (8 * 100 + 7 * 2, 2 * 100 + 2)
    assert grid.getpixel((102, 0)) == (10, 20, 30)
    assert grid.getpixel((101, 0)) == (0, 0, 0)
    assert grid.getpixel((0, 102)) == (40, 50, 60)


def test_small_images_are_enlarged_without_blur():
    images = torch.arange(8, dtype=torch.uint8).view(8, 1, 1, 1).expand(8, 1, 8, 8) * 30
    grid = picture(images)
    # 8 images of 8 pixels and 7 gaps of 2 are 78 wide: 6 times that is the most that stays within 512.
    assert grid.size == (78 * 6, 8 * 6)
    assert set(grid.get_flattened_data() if hasattr(grid, "get_flattened_data") else grid.getdata()) == {
        0, 30, 60, 90, 120, 150, 180, 210,
    }  # fmt: skip
