import os
from pathlib import Path

import numpy as np
import pytest

from tests.trainers.datasets.sources import noise, write_images
from trainers.datasets import image_folder
from trainers.datasets.config import ImageFolderConfig
from trainers.datasets.image_folder import image_files, load_image_folder
from trainers.datasets.images import DataError, Images
from trainers.datasets.registry import load_images


def load(root: Path, cache: Path, **options: str) -> Images:
    return load_images(ImageFolderConfig(root=root, image_size=8, **options), cache)  # type: ignore[arg-type]


def flat(level: int) -> np.ndarray:
    """An image of one gray level."""
    return np.full((8, 8), level, np.uint8)


def levels(images: Images) -> list[int]:
    return images.pixels[:, 0, 0, 0].tolist()


def test_images_of_any_size_and_kind_become_one_tensor(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", gray=noise(9, 30), rgb=noise(8, 8, 3), rgba=noise(100, 40, 4))
    images = load(root, tmp_path)
    assert images.pixels.shape == (3, 3, 8, 8)
    assert images.labels is None


def test_images_are_sorted_by_their_path_in_the_folder(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", c=flat(5), b__z=flat(4), b__deep__a=flat(3), a=flat(1), Z=flat(0))
    assert levels(load(root, tmp_path)) == [0, 1, 3, 4, 5]


def test_the_order_holds_over_the_blocks_that_are_read_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_folder, "BLOCK", 3)
    root = write_images(tmp_path / "data", **{f"image{i:02}": flat(i) for i in range(10)})
    assert levels(load(root, tmp_path)) == list(range(10))


def test_files_that_are_no_images_and_hidden_ones_are_not_looked_at(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", a=flat(1), b=flat(2))
    (root / "b.png").rename(root / "b.PNG")
    (root / "notes.txt").write_text("no image")
    (root / "._a.png").write_text("what another system keeps about a.png")
    assert levels(load(root, tmp_path)) == [1, 2]


def test_linked_folders_are_followed(tmp_path: Path) -> None:
    write_images(tmp_path / "elsewhere", a=flat(7))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    assert levels(load(tmp_path / "data", tmp_path)) == [7]


def test_links_that_lead_back_add_nothing_and_end(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", a=flat(1), sub__b=flat(2))
    (root / "again").symlink_to(".")
    (root / "sub" / "up").symlink_to("..")
    (root / "sub" / "itself").symlink_to("itself")
    assert [file.relative_to(root).as_posix() for file in image_files(root)] == ["a.png", "sub/b.png"]


def test_a_folder_linked_twice_is_one_under_its_own_name_if_it_lies_below(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", deep__own__a=flat(1))
    write_images(tmp_path / "elsewhere", b=flat(2))
    (root / "deep" / "a_link").symlink_to("own")
    (root / "first").symlink_to(tmp_path / "elsewhere")
    (root / "second").symlink_to(tmp_path / "elsewhere")
    assert [file.relative_to(root).as_posix() for file in image_files(root)] == [
        "deep/own/a.png",
        "first/b.png",
    ]


@pytest.mark.timeout(60)
def test_a_pipe_that_is_named_like_an_image_is_not_waited_for(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", a=flat(1))
    os.mkfifo(root / "b.png")
    (root / "c.png").symlink_to("b.png")
    (root / "d.png").symlink_to("/dev/zero")
    assert levels(load(root, tmp_path)) == [1]


def test_broken_files_are_named(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", a=flat(1), sub__b=flat(2))
    (root / "sub" / "b.png").write_bytes(b"junk")
    (root / "sub" / "c.png").symlink_to(root / "nowhere.png")
    with pytest.raises(
        DataError,
        match=rf"^data.root: {root}: 2 broken images: sub/b.png \(not an image\), sub/c.png \(.*No such file",
    ):
        load(root, tmp_path)
    assert levels(load(root, tmp_path, on_broken="skip")) == [1]


def test_a_folder_that_is_not_there_is_named_with_the_option(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"data.root: {tmp_path}/data does not exist; give --data.root"):
        load(tmp_path / "data", tmp_path)
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DataError, match=rf"data.root: {tmp_path}/data is no folder; give --data.root"):
        load(tmp_path / "data", tmp_path)


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    with pytest.raises(DataError, match=rf"data.root: no images \(.png, .jpg, .*\) in {root}"):
        load(root, tmp_path)


def test_a_folder_of_broken_images_alone_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").write_bytes(b"junk")
    with pytest.raises(DataError, match="holds no image that can be read"):
        load(tmp_path / "data", tmp_path / "cache", on_broken="skip")


def test_the_same_folder_is_prepared_once(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", a=flat(1))
    load(root, tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("[!.]*")
    made = file.stat().st_mtime_ns
    load(root, tmp_path / "cache")
    assert [path.stat().st_mtime_ns for path in (tmp_path / "cache").glob("[!.]*")] == [made]


@pytest.mark.parametrize("change", ["new", "gone", "renamed", "replaced", "touched", "other rule"])
def test_whatever_may_change_the_pixels_changes_the_key(tmp_path: Path, change: str) -> None:
    root = write_images(tmp_path / "data", a=flat(1), b=noise(8, 8))
    config = ImageFolderConfig(root=root, image_size=8)
    before = load_image_folder(config).key
    if change == "new":
        write_images(root, c=flat(3))
    elif change == "gone":
        (root / "b.png").unlink()
    elif change == "renamed":
        (root / "b.png").rename(root / "c.png")
    elif change == "replaced":
        write_images(root, b=noise(9, 9))
    elif change == "touched":
        os.utime(root / "b.png", ns=(0, 0))
    else:
        config = ImageFolderConfig(root=root, image_size=8, resize="stretch")
    assert load_image_folder(config).key != before


def test_the_same_files_elsewhere_have_the_same_key(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", a=flat(1))
    before = load_image_folder(ImageFolderConfig(root=root, image_size=8)).key
    root.rename(tmp_path / "moved")
    assert load_image_folder(ImageFolderConfig(root=tmp_path / "moved", image_size=8)).key == before
