from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.trainers.datasets.sources import encoded, noise, raw_lists, write_parquet
from trainers.datasets import parquet
from trainers.datasets.config import ParquetConfig
from trainers.datasets.images import DataError, Images
from trainers.datasets.parquet import load_parquet
from trainers.datasets.registry import load_images

PIXELS = noise(7, 3, 8, 8)
BYTES = [encoded(image.transpose(1, 2, 0)) for image in PIXELS]
STRUCTS = [{"bytes": content, "path": f"{i}.png"} for i, content in enumerate(BYTES)]


def load(path: Path | str, cache: Path, **options: Any) -> Images:
    return load_images(ParquetConfig(path=str(path), image_size=8, **options), cache)


COLUMNS = {
    "bytes": pa.array(BYTES, pa.binary()),
    "large bytes": pa.array(BYTES, pa.large_binary()),
    "structs": pa.array(STRUCTS, pa.struct({"bytes": pa.binary(), "path": pa.string()})),
    "fixed-size lists": raw_lists(PIXELS),
    "lists": raw_lists(PIXELS).cast(pa.list_(pa.uint8())),
    "large lists": raw_lists(PIXELS).cast(pa.large_list(pa.uint8())),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_kind_of_column_gives_its_images_in_order(tmp_path: Path, kind: str) -> None:
    write_parquet(tmp_path / "a.parquet", image=COLUMNS[kind], other=list(range(7)))
    images = load(tmp_path / "a.parquet", tmp_path)
    assert np.array_equal(images.pixels.numpy(), PIXELS)
    assert images.labels is None


@pytest.mark.parametrize("kind", ["structs", "fixed-size lists"])
def test_labels_stay_with_their_images_over_row_groups_and_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(parquet, "BLOCK", 3)
    labels = pa.array([3, 1, 4, 1, 5, 9, 2], pa.int8())
    write_parquet(tmp_path / "a.parquet", image=COLUMNS[kind], digit=labels)
    images = load(tmp_path / "a.parquet", tmp_path, label_column="digit")
    assert np.array_equal(images.pixels.numpy(), PIXELS)
    assert images.labels is not None
    assert images.labels.tolist() == [3, 1, 4, 1, 5, 9, 2]


def test_encoded_images_of_any_size_follow_the_resize_rules(tmp_path: Path) -> None:
    column = pa.array([encoded(noise(30, 20)), encoded(noise(9, 16, 4))])
    write_parquet(tmp_path / "a.parquet", picture=column)
    assert load(tmp_path / "a.parquet", tmp_path, column="picture", channels=1).pixels.shape == (2, 1, 8, 8)


def test_raw_pixels_may_lie_pixel_by_pixel(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", image=raw_lists(PIXELS.transpose(0, 2, 3, 1)))
    images = load(tmp_path / "a.parquet", tmp_path, raw_layout="hwc")
    assert np.array_equal(images.pixels.numpy(), PIXELS)


def test_gray_raw_pixels_have_one_channel(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", image=raw_lists(PIXELS[:, :1]))
    assert np.array_equal(load(tmp_path / "a.parquet", tmp_path, channels=1).pixels.numpy(), PIXELS[:, :1])


def test_raw_pixels_of_another_size_are_refused_with_what_they_have(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", image=raw_lists(PIXELS))
    with pytest.raises(
        DataError, match=r"data.column: 'image' of .*a.parquet has lists of \[192\] values, not 1x8x8"
    ):
        load(tmp_path / "a.parquet", tmp_path, channels=1)


@pytest.mark.parametrize("rows", [[[0] * 192, None], [[0] * 191 + [None]], [[0] * 191, [0] * 193]])
def test_incomplete_raw_pixels_are_refused(tmp_path: Path, rows: list) -> None:
    write_parquet(tmp_path / "a.parquet", image=pa.array(rows, pa.list_(pa.uint8())))
    with pytest.raises(DataError, match=r"data.column: 'image'"):
        load(tmp_path / "a.parquet", tmp_path)


def test_broken_rows_are_named(tmp_path: Path) -> None:
    column = pa.array(
        [*STRUCTS[:3], {"bytes": None, "path": "x.png"}, {"bytes": b"junk", "path": None}, None]
    )
    path = write_parquet(tmp_path / "a.parquet", image=column, digit=list(range(6)))
    with pytest.raises(DataError) as caught:
        load(path, tmp_path)
    assert f"{path} row 3 (no bytes), {path} row 4 (not an image), {path} row 5 (no bytes)" in str(
        caught.value
    )
    images = load(path, tmp_path, on_broken="skip", label_column="digit")
    assert np.array_equal(images.pixels.numpy(), PIXELS[:3])
    assert images.labels is not None
    assert images.labels.tolist() == [0, 1, 2]


def test_a_broken_row_is_named_by_its_number_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "BLOCK", 2)
    path = write_parquet(tmp_path / "a.parquet", image=pa.array([*BYTES[:5], b"junk", BYTES[5]]))
    with pytest.raises(DataError, match=rf"^1 broken image: {path} row 5 \(not an image\);"):
        load(path, tmp_path)


def test_an_absent_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", img=COLUMNS["bytes"], label=list(range(7)))
    with pytest.raises(DataError, match=f"data.column: {path} has no column 'image'; it has img, label"):
        load(path, tmp_path)
    with pytest.raises(
        DataError, match=f"data.label_column: {path} has no column 'digit'; it has img, label"
    ):
        load(path, tmp_path, column="img", label_column="digit")


@pytest.mark.parametrize(
    "column",
    [pa.array(["a.png"]), pa.array([[1.0, 2.0]]), pa.array([{"path": "a.png"}]), pa.array([1])],
    ids=["paths", "floats", "struct without bytes", "numbers"],
)
def test_a_column_of_another_kind_is_refused_with_the_kinds_there_are(
    tmp_path: Path, column: pa.Array
) -> None:
    path = write_parquet(tmp_path / "a.parquet", image=column)
    with pytest.raises(
        DataError, match=r"data.column: 'image' of .*; images are bytes, a struct .* or lists of uint8"
    ):
        load(path, tmp_path)


@pytest.mark.parametrize(
    "labels", [["cat"] * 7, [0.5] * 7, [0, 1, 2, None, 4, 5, 6]], ids=["text", "halves", "gap"]
)
def test_labels_that_are_no_integers_are_refused(tmp_path: Path, labels: list) -> None:
    path = write_parquet(tmp_path / "a.parquet", image=COLUMNS["bytes"], digit=labels)
    with pytest.raises(DataError, match=r"data.label_column: 'digit'"):
        load(path, tmp_path, label_column="digit")


def test_a_file_without_rows_is_named(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", image=pa.array([], pa.binary()))
    with pytest.raises(DataError, match=f"data.path: {tmp_path}/a.parquet: holds no image"):
        load(tmp_path / "a.parquet", tmp_path)


def test_a_changed_file_has_another_key(tmp_path: Path) -> None:
    config = ParquetConfig(path=str(tmp_path / "a.parquet"), image_size=8)
    write_parquet(tmp_path / "a.parquet", image=COLUMNS["bytes"])
    before = load_parquet(config).key
    assert load_parquet(config).key == before
    write_parquet(tmp_path / "a.parquet", image=COLUMNS["bytes"][:6])
    assert load_parquet(config).key != before


def test_a_relative_path_is_seen_from_where_the_run_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ParquetConfig(path="a.parquet", image_size=8).path == str(tmp_path / "a.parquet")
    assert ParquetConfig(path="s3://bucket/a.parquet", image_size=8).path == "s3://bucket/a.parquet"
