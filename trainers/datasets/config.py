"""The options of every data set. Loading a configuration imports none of the libraries that read images."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveInt

from search_space.frozen import Frozen
from trainers.files import absolute, without_secrets
from trainers.options import Folder


class Cifar10Config(Frozen):
    """CIFAR-10 as the released AdversarialNAS code reads it: training images, resized, no augmentation."""

    name: Literal["cifar10"] = "cifar10"
    root: Folder
    """Folder that contains `cifar-10-batches-py`, or into which it is downloaded."""
    split: Literal["train", "test"] = "train"
    """Part of the data set. Published FIDs also compare with the statistics of `train`."""
    image_size: PositiveInt = 32
    """Height and width to which images are resized, in pixels."""
    channels: Literal[1, 3] = 3
    """Channels of the images: 3 is RGB, 1 is its luma."""
    download: bool = False
    """Whether to download the data set (170 MB) if `root` does not contain it."""


class Stl10Config(Frozen):
    """STL-10 as the released AdversarialNAS code reads it: all 105,000 training images, no augmentation."""

    name: Literal["stl10"] = "stl10"
    root: Folder
    """Folder that contains `stl10_binary`, or into which it is downloaded."""
    split: Literal["train+unlabeled", "train", "unlabeled", "test"] = "train+unlabeled"
    """Part of the data set. Published FIDs also compare with the statistics of `train+unlabeled`."""
    image_size: PositiveInt = 48
    """Height and width in pixels. Images are shrunk from 96 as by torchvision's `Resize`; published results
    are at 48."""
    channels: Literal[1, 3] = 3
    """Channels of the images: 3 is RGB, 1 is its luma."""
    download: bool = False
    """Whether to download the data set (2.6 GB) if `root` does not contain it."""


class DigitsConfig(Frozen):
    """scikit-learn's bundled digits (UCI Optical Recognition of Handwritten Digits, test part)."""

    name: Literal["digits"] = "digits"
    image_size: PositiveInt = 16
    """Height and width in pixels. The originals of 8x8 are enlarged bilinearly; 16 is the smallest size
    that G's three doublings reach from 2."""
    channels: Literal[1, 3] = 1
    """Channels of the images: 1 is gray; 3 repeats it to RGB."""


COLOUR = "(white|black|gray|#[0-9a-fA-F]{6})"


def _colour(text: str) -> str:
    if not re.fullmatch(COLOUR, text):
        raise ValueError("must be white, black, gray or #rrggbb; null drops the transparency")
    return text


class DecodedConfig(Frozen):
    """The decoding of a source's encoded images."""

    image_size: PositiveInt
    """Height and width of the images that networks see, in pixels."""
    channels: Literal[1, 3] = 3
    """Channels of the images. Gray is repeated to RGB; RGB becomes its luma. `auto`: 1 if all images of a
    folder are gray, else 3."""
    background: Annotated[str, AfterValidator(_colour)] | None = "white"
    """Colour of transparent parts: white, black, gray or #rrggbb. null drops the transparency, as
    torchvision's loader does, so that the colours below it show."""
    resize: Literal["shorter_side", "stretch", "none"] = "shorter_side"
    """How images are resized (bilinear, antialiased): `shorter_side` keeps the aspect ratio, `stretch`
    keeps the whole image."""
    crop: Literal["center", "none"] = "center"
    """What happens to parts outside the square after resizing: `center` cuts them off; with `none`, there
    must not be any."""
    on_broken: Literal["fail", "skip"] = "fail"
    """What happens at broken images: `fail` names them and stops, `skip` names them in the log and
    continues."""


class ImageFolderConfig(DecodedConfig):
    """All images below a folder; subfolders give no labels."""

    name: Literal["image_folder"] = "image_folder"
    root: Folder
    """The folder."""


def _located(path: str) -> str:
    return without_secrets(path) if "://" in path else str(absolute(Path(path)))


class ParquetConfig(DecodedConfig):
    """A Parquet file, or all `.parquet` files below a folder, in the order of their paths."""

    name: Literal["parquet"] = "parquet"
    path: Annotated[str, AfterValidator(_located)]
    """Local path or URI (s3://, gs://, abfs://, hdfs://, file://). Credentials belong in the environment."""
    column: str = "image"
    """Column of the images: encoded bytes, or raw pixels."""
    label_column: str | None = None
    """Column of labels, one integer per row."""
    raw_layout: Literal["chw", "hwc"] = "chw"
    """Order of the values of raw pixels; these have `channels` and `image_size` already."""


DataConfig = Annotated[
    Cifar10Config | DigitsConfig | ImageFolderConfig | ParquetConfig | Stl10Config,
    Field(discriminator="name"),
]
"""Which images, and of which size: the options of the data set called `name`."""
