import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import rmtree
from threading import Thread

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from tests.trainers.datasets.sources import md5, noise, write_cifar10
from trainers.datasets.cifar10 import load_cifar10
from trainers.datasets.config import Cifar10Config
from trainers.datasets.images import DataError

TRAIN, TEST = noise(10, 3, 32, 32), noise(4, 3, 32, 32, seed=1)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a publisher whose archive of it torchvision is told to fetch, and its checksum."""
    folder = write_cifar10(tmp_path / "publisher", monkeypatch, TRAIN, TEST)
    with tarfile.open(folder.parent / "cifar.tar.gz", "w:gz") as tar:
        tar.add(folder, arcname=folder.name)
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(folder.parent / "cifar.tar.gz"))
    with serving(SimpleHTTPRequestHandler, folder.parent, monkeypatch):
        yield folder


class BreakingHandler(SimpleHTTPRequestHandler):
    """Sends the first bytes of what should be a megabyte, then hangs up."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"first bytes")


@contextmanager
def serving(
    handler: type[SimpleHTTPRequestHandler], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Serve the folder on this machine and name its archive as CIFAR-10's address."""
    monkeypatch.setattr(handler, "log_message", lambda *_: None)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/cifar.tar.gz")
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield
        server.shutdown()


def below(root: Path) -> list[Path]:
    return list(root.rglob("[!.]*"))


@pytest.mark.usefixtures("published")
def test_absent_files_are_an_error_that_says_where_and_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_cifar10(Cifar10Config(root=tmp_path / "data"))
    assert str(caught.value) == (
        f"data.root: no intact CIFAR10 in {tmp_path}/data/cifar-10-batches-py;"
        f" unpack cifar-10-python.tar.gz in {tmp_path}/data or pass --data.download true"
    )
    assert not (tmp_path / "data").exists()


def test_a_damaged_file_is_noticed(published: Path) -> None:
    (published / "data_batch_3").write_bytes(b"something else")
    with pytest.raises(DataError, match="no intact CIFAR10"):
        load_cifar10(Cifar10Config(root=published.parent))


def test_a_damaged_folder_is_not_overwritten_but_named(published: Path) -> None:
    (published / "data_batch_3").write_bytes(b"something else")
    with pytest.raises(DataError, match=f"{published}; remove that to fetch it anew"):
        load_cifar10(Cifar10Config(root=published.parent, download=True))
    assert (published / "data_batch_3").read_bytes() == b"something else"


@pytest.mark.usefixtures("published")
def test_a_download_leaves_the_unpacked_files_alone(tmp_path: Path) -> None:
    root = tmp_path / "data"
    images = load_cifar10(Cifar10Config(root=root, download=True))
    assert np.array_equal(images.pixels.numpy(), TRAIN)
    assert [path.name for path in root.glob("[!.]*")] == ["cifar-10-batches-py"]


def test_what_is_there_is_not_fetched_again(published: Path, tmp_path: Path) -> None:
    config = Cifar10Config(root=tmp_path / "data", download=True)
    load_cifar10(config)
    rmtree(published.parent)
    assert np.array_equal(load_cifar10(config).pixels.numpy(), TRAIN)


@pytest.mark.usefixtures("published")
def test_without_network_a_download_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:1/cifar.tar.gz")
    with pytest.raises(DataError) as caught:
        load_cifar10(Cifar10Config(root=tmp_path / "data", download=True))
    message = str(caught.value)
    assert message.startswith(
        "data.download: CIFAR10 could not be fetched from http://127.0.0.1:1/cifar.tar.gz"
    )
    assert "Connection refused" in message
    assert "\n" not in message
    assert below(tmp_path / "data") == []


def test_a_download_that_breaks_off_leaves_nothing(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = pytest.raises(DataError, match=r"data.download: CIFAR10 could not be fetched")
    with serving(BreakingHandler, published.parent, monkeypatch), refused:
        load_cifar10(Cifar10Config(root=tmp_path / "data", download=True))
    assert below(tmp_path / "data") == []
