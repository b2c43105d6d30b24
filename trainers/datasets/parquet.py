"""Images in a column of Parquet files, on a local disk or in an object store.

What a column may hold: encoded images (PNG, JPEG, ...) as bytes or as Hugging Face's struct {bytes, path}, or
raw pixels as lists of uint8.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from search_space.errors import one_line
from trainers.datasets.config import ParquetConfig
from trainers.datasets.decoding import Encoded, decoded
from trainers.datasets.images import DataError
from trainers.datasets.preparing import BLOCK, Block, Recipe, recipe_key

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow.fs import FileInfo, FileSystem


def load_parquet(config: ParquetConfig) -> Recipe:
    """The images of all rows, in their order, read row group by row group.

    Raises:
        DataError: no Parquet file at `path`, or a store that cannot be reached.
    """
    filesystem, files = parquet_files(config.path)
    return Recipe(
        recipe_key(config.name, config, [(file.path, file.size, file.mtime_ns) for file in files]),
        source=f"data.path: {config.path}",
        shape=(config.channels, config.image_size, config.image_size),
        blocks=lambda: (block for file in files for block in _blocks(config, filesystem, file.path)),
    )


def _blocks(config: ParquetConfig, filesystem: "FileSystem", path: str) -> Iterator[Block]:
    import pyarrow.parquet as pq

    with blaming(f"data.path: {path}"), filesystem.open_input_file(path) as stream:
        file = pq.ParquetFile(stream)
        _check_columns(config, file.schema_arrow.names, path)
        if _is_raw(config, file.schema_arrow.field(config.column).type, path):
            for _, images, labels in _rows(config, file):
                yield Block(_pixels(config, images, path), labels)
        else:
            yield from decoded(config, _encoded(config, file, path))


def _encoded(config: ParquetConfig, file: "pq.ParquetFile", path: str) -> Iterator[Encoded]:
    for first, images, labels in _rows(config, file):
        names = [f"{path} row {row}" for row in range(first, first + len(images))]
        yield Encoded(names, _contents(images), labels)


def _check_columns(config: ParquetConfig, known: list[str], path: str) -> None:
    for option, column in (("column", config.column), ("label_column", config.label_column)):
        if column is not None and column not in known:
            raise DataError(f"data.{option}: {path} has no column {column!r}; it has {', '.join(known)}")


def _is_raw(config: ParquetConfig, kind: "pa.DataType", path: str) -> bool:
    """Whether the column holds raw pixels; otherwise it holds encoded images."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_fixed_size_list(kind) or types.is_list(kind) or types.is_large_list(kind):
        if kind.value_type == pa.uint8():
            return True
    elif types.is_struct(kind):
        if kind.get_field_index("bytes") >= 0:
            return False
    elif types.is_binary(kind) or types.is_large_binary(kind):
        return False
    raise DataError(
        f"data.column: {config.column!r} of {path} is {kind}; images are bytes, a struct with a field `bytes`"
        " or lists of uint8"
    )


def _rows(config: ParquetConfig, file: "pq.ParquetFile") -> Iterator[tuple[int, Any, Tensor | None]]:
    """Number of the first of some rows, their images as Arrow's array, their labels."""
    label = config.label_column
    columns = [config.column] if label is None else [config.column, label]
    first = 0
    for batch in file.iter_batches(BLOCK, columns=columns):
        yield first, batch[config.column], None if label is None else _labels(batch[label], label)
        first += len(batch)


def _labels(column: "pa.Array", name: str) -> Int64[Tensor, " k"]:
    with blaming(f"data.label_column: {name!r}"):
        labels = column.cast("int64")
    if labels.null_count:
        raise DataError(f"data.label_column: {name!r} has rows without a label")
    return torch.from_dlpack(labels)


def _contents(images: "pa.Array") -> list[bytes | None]:
    import pyarrow as pa
    import pyarrow.compute as pc

    return (pc.struct_field(images, "bytes") if pa.types.is_struct(images.type) else images).to_pylist()


def _pixels(config: ParquetConfig, images: "pa.Array", path: str) -> UInt8[Tensor, "k c h w"]:
    import pyarrow.compute as pc

    size, channels = config.image_size, config.channels
    lengths = pc.unique(pc.list_value_length(images)).to_pylist()
    if lengths != [channels * size * size] or images.flatten().null_count:
        raise DataError(
            f"data.column: {config.column!r} of {path} has lists of {lengths} values, not"
            f" {channels}x{size}x{size}; raw pixels need data.channels and data.image_size as they are"
        )
    values = torch.from_dlpack(images.flatten())
    if config.raw_layout == "hwc":
        return values.view(-1, size, size, channels).permute(0, 3, 1, 2)
    return values.view(-1, channels, size, size)


def open_filesystem(path: str) -> "tuple[FileSystem, str]":
    """The file system of a local path or URI, and the path in it."""
    from pyarrow.fs import FileSystem, LocalFileSystem

    return FileSystem.from_uri(path) if "://" in path else (LocalFileSystem(), path)


def parquet_files(path: str) -> "tuple[FileSystem, list[FileInfo]]":
    """The file at a local path or URI, or the `.parquet` files in the folder there, sorted by path.

    Raises:
        DataError: nothing there, or a store that cannot be reached.
    """
    from pyarrow.fs import FileSelector

    with blaming(f"data.path: {path}"):
        filesystem, inside = open_filesystem(path)
        found = filesystem.get_file_info(inside)
        if found.is_file:
            return filesystem, [found]
        below = filesystem.get_file_info(FileSelector(inside, recursive=True, allow_not_found=True))
    files = [info for info in below if info.is_file and info.path.endswith(".parquet")]
    if not files:
        raise DataError(f"data.path: no Parquet file at {path}")
    return filesystem, sorted(files, key=lambda info: info.path)


@contextmanager
def blaming(what: str) -> Iterator[None]:
    """Arrow's errors, said as the user's: what they gave cannot be read, and why."""
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{what} cannot be read ({one_line(error)})") from error
