import logging
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from tests.trainers.datasets.sources import encoded, noise
from trainers.datasets.config import DecodedConfig, ImageFolderConfig
from trainers.datasets.decoding import Broken, Encoded, decode, decoded
from trainers.datasets.images import DataError

GRADIENT = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (16, 1))
"""16 high, 24 wide, darker to the left."""


def pixels(content: bytes | Path, size: int = 16, **options: Any) -> np.ndarray:
    image = decode(DecodedConfig(image_size=size, **options), "an image", content)
    assert isinstance(image, np.ndarray)
    return image


def broken(content: bytes | None) -> Broken:
    image = decode(DecodedConfig(image_size=8), "a.png", content)
    assert isinstance(image, Broken)
    return image


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP", "TIFF"])
def test_lossless_files_of_the_right_size_keep_every_pixel(kind: str) -> None:
    image = noise(16, 16, 3)
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert np.array_equal(pixels(buffer.getvalue()).transpose(1, 2, 0), image)


def test_jpeg_files_come_close() -> None:
    smooth = np.repeat(GRADIENT[:, :16, None], 3, axis=2)
    assert np.abs(pixels(encoded(smooth, "JPEG")).astype(int) - smooth.transpose(2, 0, 1)).max() < 12


def test_a_file_is_read_by_its_path_too(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(noise(16, 16, 3)))
    assert np.array_equal(pixels(tmp_path / "a.png"), pixels(encoded(noise(16, 16, 3))))


def test_the_shorter_side_is_resized_and_the_center_kept() -> None:
    shrunk = Image.fromarray(GRADIENT).resize((12, 8), Image.Resampling.BILINEAR)
    expected = np.asarray(shrunk)[:, 2:10]
    assert np.array_equal(pixels(encoded(GRADIENT), 8, channels=1)[0], expected)
    assert np.array_equal(pixels(encoded(GRADIENT.T.copy()), 8, channels=1)[0], expected.T)


def png_header(width: int, height: int) -> bytes:
    """All of a PNG but its pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + kind + content + crc32(kind + content).to_bytes(4)

    size = width.to_bytes(4) + height.to_bytes(4)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + b"\x08\x02\0\0\0") + chunk(b"IDAT", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_an_image_of_too_many_pixels_is_refused_by_its_header() -> None:
    assert broken(png_header(13_300, 13_300)).reason == "13300x13300 pixels, more than 33 million"
    assert "pixels, more" not in broken(png_header(4096, 8192)).reason  # but that its pixels are missing


def test_stretching_keeps_the_whole_image() -> None:
    expected = Image.fromarray(GRADIENT).resize((8, 8), Image.Resampling.BILINEAR)
    assert np.array_equal(pixels(encoded(GRADIENT), 8, channels=1, resize="stretch")[0], np.asarray(expected))


def test_without_resizing_the_center_is_cut_out() -> None:
    image = pixels(encoded(GRADIENT), 8, channels=1, resize="none")
    assert np.array_equal(image[0], GRADIENT[4:12, 8:16])


@given(width=st.integers(1, 40), height=st.integers(1, 40), size=st.integers(1, 20))
def test_any_image_becomes_a_square_of_the_size(width: int, height: int, size: int) -> None:
    for resize in ("shorter_side", "stretch"):
        image = pixels(encoded(noise(height, width)), size, channels=3, resize=resize)
        assert image.shape == (3, size, size)


@pytest.mark.parametrize(
    ("size", "options"),
    [(8, {"crop": "none"}), (8, {"resize": "none", "crop": "none"}), (20, {"resize": "none"})],
    ids=["longer side sticks out", "too large", "too small to crop"],
)
def test_an_image_the_rules_do_not_fit_is_named_with_its_size(size: int, options: dict[str, str]) -> None:
    with pytest.raises(DataError, match=rf"an image is \d+x\d+, not {size}x{size}.* data.resize .*data.crop"):
        pixels(encoded(GRADIENT), size, **options)


def test_gray_becomes_three_equal_channels() -> None:
    image = pixels(encoded(noise(16, 16)))
    assert all(np.array_equal(channel, noise(16, 16)) for channel in image)


def test_colours_become_one_channel_of_luma() -> None:
    image = noise(16, 16, 3)
    expected = np.asarray(Image.fromarray(image).convert("L"))
    assert np.array_equal(pixels(encoded(image), channels=1), expected[None])


def test_without_a_background_transparency_is_dropped() -> None:
    image = noise(16, 16, 4)
    assert np.array_equal(pixels(encoded(image), background=None).transpose(1, 2, 0), image[..., :3])


@pytest.mark.parametrize(
    ("background", "level"), [("white", 255), ("black", 0), ("gray", 128), ("#404040", 64)]
)
def test_transparent_parts_show_the_background(background: str, level: int) -> None:
    image = noise(16, 16, 4)
    opacity = image[..., 3:] / 255
    expected = image[..., :3] * opacity + level * (1 - opacity)
    found = pixels(encoded(image), background=background).transpose(1, 2, 0)
    assert np.abs(found - expected).max() <= 1  # Pillow rounds in whole numbers


def test_a_background_that_is_no_colour_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValidationError, match="must be white, black, gray or #rrggbb; null drops"):
        ImageFolderConfig(root=Path("images"), background="whte")


def test_grey_images_palettes_and_one_transparent_colour_show_the_background_too() -> None:
    grey = Image.fromarray(np.full((8, 8, 2), [100, 0], np.uint8), "LA")
    colour = Image.fromarray(np.full((8, 8, 3), [9, 8, 7], np.uint8))
    palette = colour.quantize(2)
    contents = []
    for image, options in ((grey, {}), (colour, {"transparency": (9, 8, 7)}), (palette, {"transparency": 0})):
        buffer = BytesIO()
        image.save(buffer, "PNG", **options)
        contents.append(buffer.getvalue())
    for content in contents:
        assert (pixels(content, 8) == 255).all()
        assert (pixels(content, 8, channels=1) == 255).all()


def test_images_of_16_bits_are_rounded_to_8() -> None:
    levels = np.array([[0, 128, 129, 257 * 77, 65_534, 65_535]], np.uint16).repeat(6, 0)
    expected = [0, 0, 1, 77, 255, 255]
    assert pixels(encoded(levels), 6, channels=1)[0, 0].tolist() == expected
    assert pixels(encoded(levels, "TIFF"), 6)[2, 5].tolist() == expected


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (10, 200)]
    buffer = BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    assert (pixels(buffer.getvalue(), 8) == 10).all()


def test_palettes_become_colours() -> None:
    image = noise(16, 16, 3) // 128 * 255  # eight colours
    buffer = BytesIO()
    Image.fromarray(image).quantize(8).save(buffer, "PNG")
    assert np.array_equal(pixels(buffer.getvalue()).transpose(1, 2, 0), image)


def test_photographs_are_turned_upright() -> None:
    buffer = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: to be turned by 90 degrees clockwise
    Image.fromarray(GRADIENT).save(buffer, "PNG", exif=exif)
    upright = pixels(buffer.getvalue(), 16, channels=1, resize="none")
    assert np.array_equal(upright[0], np.rot90(GRADIENT, -1)[4:20])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an image"),
        (b"no image at all", "not an image"),
        (encoded(noise(64, 64, 3))[:4000], "truncated"),
        (encoded(noise(64, 64, 3), "JPEG")[:2000], "truncated"),
        (encoded(np.full((8, 8), 70_000, np.int32), "TIFF"), "more than 16 bits a channel (mode I); save it"),
        (None, "no bytes"),
    ],
    ids=["empty", "text", "short PNG", "short JPEG", "32 bits", "absent"],
)
def test_a_broken_image_is_named_with_the_reason(content: bytes | None, reason: str) -> None:
    assert broken(content).name == "a.png"
    assert reason in broken(content).reason
    assert "\n" not in broken(content).reason


GOOD = encoded(noise(8, 8, 3))


def source(*contents: bytes | None, labels: Sequence[int] | None = None) -> list[Encoded]:
    names = [f"{i}.png" for i in range(len(contents))]
    return [Encoded(names, contents, None if labels is None else torch.tensor(labels))]


def test_broken_images_stop_the_preparation_and_are_named_with_the_cure() -> None:
    config = DecodedConfig(image_size=8)
    with pytest.raises(
        DataError,
        match=r"^2 broken images: 1.png \(not an image\), 3.png \(no bytes\); .*--data.on_broken skip$",
    ):
        list(decoded(config, source(GOOD, b"junk", GOOD, None)))


def test_of_many_broken_images_the_first_five_are_named() -> None:
    with pytest.raises(DataError, match=r"^7 broken images: 0.png .*4.png \(not an image\) and 2 more;"):
        list(decoded(DecodedConfig(image_size=8), source(*[b"junk"] * 7)))


def test_skipped_images_are_logged_and_labels_stay_with_their_images(
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = encoded(noise(8, 8, 3, seed=1))
    config = DecodedConfig(image_size=8, on_broken="skip")
    with caplog.at_level(logging.WARNING):
        (block,) = decoded(config, source(GOOD, b"junk", other, labels=[5, 6, 7]))
    assert np.array_equal(block.pixels[1].numpy().transpose(1, 2, 0), noise(8, 8, 3, seed=1))
    assert block.labels is not None
    assert block.labels.tolist() == [5, 7]
    assert "skipped 1 broken image: 1.png (not an image)" in caplog.text


def test_nothing_is_logged_when_nothing_is_broken(caplog: pytest.LogCaptureFixture) -> None:
    list(decoded(DecodedConfig(image_size=8, on_broken="skip"), source(GOOD)))
    assert caplog.text == ""


def test_a_batch_of_broken_images_alone_gives_no_block() -> None:
    assert list(decoded(DecodedConfig(image_size=8, on_broken="skip"), source(b"junk"))) == []
