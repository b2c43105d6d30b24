"""An S3 server on this machine, and buckets of it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.server import ThreadedMotoServer
from pyarrow.fs import FileSelector, FileSystem

KEYS = {
    "AWS_ACCESS_KEY_ID": "someone",
    "AWS_SECRET_ACCESS_KEY": "something",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Store:
    """A bucket of its own."""

    def __init__(self, server: ThreadedMotoServer, bucket: str) -> None:
        _, port = server.get_host_and_port()
        self.uri = (
            f"s3://{bucket}/runs?scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"
            "&allow_bucket_creation=true"
        )
        self.bucket = bucket
        self.files, _ = FileSystem.from_uri(self.uri)
        self.files.create_dir(bucket)

    def content(self, folder: str) -> dict[str, bytes]:
        """Of everything below a folder of the root."""
        place = f"{self.bucket}/runs/{folder}"
        found = self.files.get_file_info(FileSelector(place, recursive=True, allow_not_found=True))
        return {
            info.path.removeprefix(f"{place}/"): self.files.open_input_stream(info.path).read()
            for info in found
            if info.is_file
        }

    def write(self, path: str, content: bytes) -> None:
        """A file below the root."""
        with self.files.open_output_stream(f"{self.bucket}/runs/{path}") as stream:
            stream.write(content)

    def delete(self, path: str) -> None:
        """A file below the root."""
        self.files.delete_file(f"{self.bucket}/runs/{path}")


@contextmanager
def s3_server() -> Iterator[ThreadedMotoServer]:
    """With its keys in the environment; after an outage it answers on the same port."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        # Connections that are kept alive would go on being answered after the server has stopped.
        patch.setattr(MotoRequestHandler, "protocol_version", "HTTP/1.0", raising=False)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = ThreadedMotoServer("127.0.0.1", port)
        server.start()
        yield server
        server.stop()
