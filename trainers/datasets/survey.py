"""A survey of a folder of images: what it contains and how it will be converted, printed before a run."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from trainers.datasets.config import DecodedConfig, ImageFolderConfig
from trainers.datasets.flattening import Kind, kind_of
from trainers.datasets.image_folder import image_files

LOOKED_AT = 2000
"""Files of which headers are read, spread evenly over the folder."""
NAMED = 3
"""Unreadable files that are named."""

FITTED = {
    "shorter_side": "the shorter side becomes {size} pixels",
    "stretch": "each is stretched to {size}x{size}",
    "none": "none is resized",
}
"""`data.resize` in words."""


@dataclass(frozen=True)
class Survey:
    """The images of a folder, as their headers describe them."""

    files: int
    folders: int
    kinds: tuple[Kind, ...]
    """Kinds of the readable images among those that were examined."""
    unreadable: tuple[str, ...]
    """Names of the others, below the folder."""

    @property
    def channels(self) -> int:
        """1 if there is no colour in any header, else 3."""
        return 1 if self.kinds and all(kind.grey for kind in self.kinds) else 3


def survey(root: Path) -> Survey:
    """Look at the headers of the images below a folder, at no more than 2,000 of them."""
    files = image_files(root)
    step = -(-len(files) // LOOKED_AT) or 1
    with ThreadPoolExecutor() as pool:
        kinds = list(pool.map(_kind, files[::step]))
    readable = tuple(kind for kind in kinds if kind is not None)
    others = (file for file, kind in zip(files[::step], kinds, strict=True) if kind is None)
    unreadable = tuple(str(file.relative_to(root)) for file in others)
    return Survey(len(files), len({file.parent for file in files}), readable, unreadable)


def _kind(file: Path) -> Kind | None:
    try:
        with Image.open(file) as image:
            return kind_of(image)
    except Exception:  # Pillow's readers raise almost anything; loading the images names each with its reason
        return None


def description(found: Survey, config: ImageFolderConfig) -> Iterator[str]:
    """Sentences: what was found, and what is done to it."""
    place = f"{found.folders} folders below {config.root}" if found.folders > 1 else config.root
    looked = len(found.kinds) + len(found.unreadable)
    sample = f"; {looked:,} headers read" if looked < found.files else ""
    formats = ", ".join(f"{count:,} {name}" for name, count in _formats(found))
    yield f"{found.files:,} images in {place} ({formats}{sample}), {_sizes(found.kinds)}"
    if found.unreadable:
        more = f" and {len(found.unreadable) - NAMED:,} more" if len(found.unreadable) > NAMED else ""
        yield f"unreadable: {', '.join(found.unreadable[:NAMED])}{more} (data.on_broken)"
    if done := list(_done(found.kinds, config)):
        yield "; ".join(done)
    yield f"networks see {config.image_size}x{config.image_size} {'grey' if config.channels == 1 else 'RGB'}"


def _formats(found: Survey) -> list[tuple[str, int]]:
    formats = Counter(kind.format for kind in found.kinds).most_common()
    return formats + ([("unreadable", len(found.unreadable))] if found.unreadable else [])


def _sizes(kinds: Sequence[Kind]) -> str:
    sizes = sorted({kind.size for kind in kinds}, key=lambda size: size[0] * size[1])
    if not sizes:
        return "of unknown sizes"
    (first, last), many = (f"{w}x{h}" for w, h in (sizes[0], sizes[-1])), len(sizes)
    return f"all {first}" if many == 1 else f"{first} to {last} in {many} sizes"


def _done(kinds: Sequence[Kind], config: DecodedConfig) -> Iterator[str]:
    """Lines that describe what is done to images that are not plain ones of the right size."""
    under = "transparency is dropped" if config.background is None else f"shown on {config.background}"
    for count, what in (
        (sum(kind.transparent for kind in kinds), f"transparent, {under} (data.background)"),
        (sum(kind.palette for kind in kinds), "with a palette, read as its colours"),
        (sum(kind.deep for kind in kinds), "of 16 bits a channel, brought to 8"),
        (sum(kind.animated for kind in kinds), "animated, first frame only"),
        (sum(kind.turned for kind in kinds), "turned upright, as EXIF says"),
        (_recoloured(kinds, config), "made grey" if config.channels == 1 else "grey, repeated to RGB"),
    ):
        if count:
            yield f"{count:,} {what}"
    square = (config.image_size, config.image_size)
    if any(kind.size != square for kind in kinds):
        cropped = any(kind.size[0] != kind.size[1] for kind in kinds) and config.resize != "stretch"
        cut = ", and the centre is cut out (data.crop)" if cropped and config.crop == "center" else ""
        yield FITTED[config.resize].format(size=config.image_size) + f" (data.resize){cut}"


def _recoloured(kinds: Sequence[Kind], config: DecodedConfig) -> int:
    return sum(kind.grey == (config.channels == 3) for kind in kinds)
