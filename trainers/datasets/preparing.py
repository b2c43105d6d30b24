"""Large data sets: prepared once as a memory-mapped Arrow file, and read from it without a copy.

The file holds one record batch: `pixels`, a fixed-size list of c*h*w bytes an image, and `labels` where there
are some; shape and content_hash stand in the schema's metadata.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from search_space.errors import one_line
from search_space.frozen import Frozen
from trainers.datasets.images import DataError, Images, content_hash
from trainers.files import written_whole
from trainers.locks import alone_in

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
"""Raised when the same source and configuration begin to give another file."""

BLOCK = 256
"""Images read, decoded and written at a time: bounds the memory that preparing takes."""


class Block(NamedTuple):
    """Some images of a set, in its order. Either all blocks of a set have labels or none has."""

    pixels: UInt8[Tensor, "k c h w"]
    labels: Int64[Tensor, " k"] | None


@dataclass(frozen=True)
class Recipe:
    """A recipe for a set that is too large to prepare at each start."""

    key: str
    """Name of the prepared file, see `recipe_key`."""
    source: str
    """The origin of the images, as error messages name it."""
    shape: tuple[int, int, int]
    """(c, h, w)."""
    blocks: Callable[[], Iterator[Block]]


def recipe_key(name: str, config: Frozen, source: Iterable[Any]) -> str:
    """The data set's name and a hash of what the pixels depend on.

    `source` lists what identifies the content without reading it: path, size and modification time of each
    file, or published checksums. Where the files lie and whether they may be fetched changes no pixel.
    """
    options = config.model_dump(mode="json", exclude={"root", "download"})
    identity = json.dumps([FORMAT, options, list(source)], sort_keys=True)
    return f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def prepared(recipe: Recipe, cache: Path) -> Images:
    """The recipe's images from the cache folder, made first where they are absent or damaged there.

    Raises:
        DataError: the cache folder cannot be written (the disk is full, say), or the source has no images.
    """
    path = cache / f"{recipe.key}.arrow"
    try:
        images = _read(path)
        if images is None:
            cache.mkdir(parents=True, exist_ok=True)
            with alone_in(cache):
                images = _read(path)  # another process may have made it meanwhile
                if images is None:
                    images = _made(recipe, path)
    except OSError as error:
        raise DataError(
            f"cache folder {cache}: cannot keep the prepared images of {recipe.source} there"
            f" ({one_line(error)}); free some space or choose another folder"
        ) from error
    return images


def _read(path: Path) -> Images | None:
    """The prepared images, mapped; None when there is no complete file."""
    import pyarrow as pa

    try:
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    except (FileNotFoundError, pa.ArrowInvalid):
        # Arrow's footer is written last: a file cut short anywhere is invalid.
        return None
    metadata = batch.schema.metadata
    shape = json.loads(metadata[b"shape"])
    pixels = torch.from_dlpack(batch.column("pixels").flatten()).view(-1, *shape)
    labels = torch.from_dlpack(batch.column("labels")) if "labels" in batch.schema.names else None
    return Images(pixels, labels, metadata[b"fingerprint"].decode())


def _made(recipe: Recipe, path: Path) -> Images:
    labels: list[Tensor] = []
    # An Arrow record batch is written in one go, so that pixels gather in a nameless file first. Written, not
    # mapped: on a full disk the one is an error, the other kills the process.
    with TemporaryFile(dir=path.parent) as scratch:
        for block in recipe.blocks():
            scratch.write(block.pixels.contiguous().numpy().data)
            if block.labels is not None:
                labels.append(block.labels)
        scratch.flush()
        if scratch.tell() == 0:
            raise DataError(f"{recipe.source}: holds no image that can be read")
        pixels = np.memmap(scratch, np.uint8, mode="r").reshape(-1, *recipe.shape)
        _write(_batch(pixels, torch.cat(labels).numpy() if labels else None), path)
    images = _read(path)
    assert images is not None, f"{path} was written whole"
    return images


def _batch(pixels: UInt8[np.ndarray, "n c h w"], labels: Int64[np.ndarray, " n"] | None) -> "pa.RecordBatch":
    import pyarrow as pa

    values = pa.Array.from_buffers(pa.uint8(), pixels.size, [None, pa.py_buffer(pixels)])
    columns = {"pixels": pa.FixedSizeListArray.from_arrays(values, pixels[0].size)}
    if labels is not None:
        columns["labels"] = pa.array(labels)
    metadata = {"shape": json.dumps(pixels.shape[1:]), "fingerprint": content_hash(pixels, labels)}
    return pa.RecordBatch.from_pydict(columns, metadata=metadata)


def _write(batch: "pa.RecordBatch", path: Path) -> None:
    """Into place as a whole: readers see no file or all of it, and one that maps the old file keeps it."""
    import pyarrow as pa

    with written_whole(path) as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)
