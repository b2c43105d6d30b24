"""A folder of images of all kinds is described as it is."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainers.datasets.sources import encoded, noise
from trainers.datasets import survey as module
from trainers.datasets.config import ImageFolderConfig
from trainers.datasets.survey import description, survey


def write(root: Path, **contents: bytes) -> Path:
    """Files by name; two underscores stand for a folder."""
    for name, content in contents.items():
        file = root / name.replace("__", "/").replace("_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return root


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def everything(root: Path) -> Path:
    colour = Image.fromarray(noise(20, 20, 3))
    turned = Image.Exif()
    turned[0x0112] = 6
    return write(
        root,
        plain_png=saved(colour),
        photo_jpg=saved(Image.fromarray(noise(30, 40, 3)), "JPEG", exif=turned),
        grey_png=saved(Image.fromarray(noise(20, 20))),
        deep_png=encoded(np.full((20, 20), 40_000, np.uint16)),
        clear_png=saved(Image.fromarray(noise(20, 20, 4))),
        palette_png=saved(colour.quantize(8)),
        moving_gif=saved(
            colour, "GIF", save_all=True, append_images=[Image.fromarray(noise(20, 20, 3, seed=1))]
        ),
        sub__deeper__broken_png=b"junk",
    )


def told(root: Path, size: int = 16, **options: object) -> list[str]:
    config = ImageFolderConfig(root=root, image_size=size, **options)
    return list(description(survey(root), config))


def test_all_that_is_found_and_done_is_said(tmp_path: Path) -> None:
    found, unreadable, done, seen = told(everything(tmp_path))
    assert unreadable == "unreadable: sub/deeper/broken.png (data.on_broken)"
    assert found == (
        f"8 images in 2 folders below {tmp_path} (5 PNG, 1 GIF, 1 JPEG, 1 unreadable),"
        " 20x20 to 40x30 in 2 sizes"
    )
    assert done.split("; ") == [
        "1 transparent, shown on white (data.background)",
        "2 with a palette, read as its colours",
        "1 of 16 bits a channel, brought to 8",
        "1 animated, first frame only",
        "1 turned upright, as EXIF says",
        "2 grey, repeated to RGB",
        "the shorter side becomes 16 pixels (data.resize), and the centre is cut out (data.crop)",
    ]
    assert seen == "networks see 16x16 RGB"


def test_nothing_is_said_to_be_done_to_plain_images_of_the_right_size(tmp_path: Path) -> None:
    root = write(tmp_path, a_png=encoded(noise(16, 16, 3)), b_png=encoded(noise(16, 16, 3)))
    assert told(root) == [f"2 images in {root} (2 PNG), all 16x16", "networks see 16x16 RGB"]


def test_other_rules_are_said_as_they_are(tmp_path: Path) -> None:
    root = write(tmp_path, a_png=encoded(noise(20, 30, 4)))
    _, done, seen = told(root, channels=1, background=None, resize="stretch")
    assert "1 transparent, transparency is dropped (data.background)" in done
    assert "1 made grey" in done
    assert "each is stretched to 16x16 (data.resize)" in done
    assert "cut out" not in done
    assert seen == "networks see 16x16 grey"


def test_grey_files_of_every_kind_have_one_channel_and_one_colour_makes_three(tmp_path: Path) -> None:
    grey = Image.fromarray(noise(8, 8))
    root = write(
        tmp_path,
        a_png=saved(grey),
        b_png=saved(grey.convert("LA")),
        c_png=saved(grey.convert("1")),
        d_png=saved(grey.convert("RGB").quantize(4)),
        e_png=encoded(np.full((8, 8), 300, np.uint16)),
    )
    assert survey(root).channels == 1
    write(root, f_png=saved(Image.fromarray(noise(8, 8, 3))))
    assert survey(root).channels == 3


def test_of_a_large_folder_some_headers_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        write(tmp_path, **{f"a{number}_png": encoded(noise(16, 16, 3))})
    monkeypatch.setattr(module, "LOOKED_AT", 4)
    assert told(tmp_path)[0] == f"9 images in {tmp_path} (3 PNG; 3 headers read), all 16x16"
