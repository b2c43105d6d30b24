"""Arrow's own S3 client against a store of a few lines on this machine."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pyarrow as pa
import pytest

from tests.trainers.datasets.sources import encoded, noise, write_parquet
from trainers.datasets.config import ParquetConfig
from trainers.datasets.images import DataError, Images
from trainers.datasets.registry import load_images

PIXELS = noise(6, 3, 8, 8)


class Store(BaseHTTPRequestHandler):
    """The part of S3 that reading asks for: HEAD and ranged GET of an object, and listing by prefix."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        bucket, _, key = unquote(address.path).lstrip("/").partition("/")
        if "list-type" in query:
            self.send(200, self.listing(bucket, query.get("prefix", [""])[0]))
        elif key in self.objects:
            first, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")
            content = self.objects[key]
            self.send(
                206 if "Range" in self.headers else 200, content[int(first) : int(last or len(content)) + 1]
            )
        else:
            self.send(404, b"")

    def listing(self, bucket: str, prefix: str) -> bytes:
        rows = "".join(
            f"<Contents><Key>{key}</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified>"
            f"<Size>{len(content)}</Size></Contents>"
            for key, content in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return (
            f'<?xml version="1.0"?><ListBucketResult><Name>{bucket}</Name><Prefix>{prefix}</Prefix>'
            f"<IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        ).encode()

    def send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Options of an s3:// URI that lead to a bucket with two Parquet files."""
    objects = {}
    for name, rows in {"set/a.parquet": slice(0, 4), "set/b.parquet": slice(4, 6)}.items():
        images = pa.array([encoded(image.transpose(1, 2, 0)) for image in PIXELS[rows]])
        objects[name] = write_parquet(tmp_path / "made" / name, image=images).read_bytes()
    monkeypatch.setattr(Store, "objects", objects, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"?scheme=http&endpoint_override=127.0.0.1:{server.server_port}&region=us-east-1"
        server.shutdown()


def load(path: str, cache: Path) -> Images:
    return load_images(ParquetConfig(path=path, image_size=8), cache)


def test_an_object_is_read_by_its_uri(store: str, tmp_path: Path) -> None:
    images = load(f"s3://bucket/set/a.parquet{store}", tmp_path / "cache")
    assert np.array_equal(images.pixels.numpy(), PIXELS[:4])


def test_all_objects_below_a_prefix_are_read(store: str, tmp_path: Path) -> None:
    images = load(f"s3://bucket/set{store}", tmp_path / "cache")
    assert np.array_equal(images.pixels.numpy(), PIXELS)


def test_an_absent_object_is_named(store: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data.path: no Parquet file at s3://bucket/absent.parquet"):
        load(f"s3://bucket/absent.parquet{store}", tmp_path / "cache")
