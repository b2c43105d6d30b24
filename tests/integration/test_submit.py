"""A head as a user starts one, with a token, and a job that is submitted to it, watched, and stopped."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
TOKEN = "0123456789abcdef" * 4
BIN = Path(sys.executable).parent
SMALL = {
    "steps": 500, "warmup_steps": 1, "report_every": 2, "evaluation.every": 0, "batch_size": 8,
    "generator_batch_size": 8, "generator.channels": 4, "discriminator.channels": 4,
}  # fmt: skip

Advnas = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home() -> Iterator[Path]:
    """Of a user who has a token. Sockets in it need a short path."""
    folder = Path(tempfile.mkdtemp(prefix="advnas-"))
    (folder / ".ray").mkdir(mode=0o700)
    (folder / ".ray" / "auth_token").touch(mode=0o600)
    (folder / ".ray" / "auth_token").write_text(TOKEN)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """As in a shell of that user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {**kept, "HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture
def address(home: Path, environment: dict[str, str]) -> Iterator[str]:
    """Of the dashboard of a head that runs."""
    port, dashboard, client, agent = free_ports(4)
    options = {
        "port": port, "dashboard-port": dashboard, "ray-client-server-port": client, "num-cpus": 1,
        "dashboard-host": "127.0.0.1", "temp-dir": home / "ray",
        # Another Ray on the machine has the agent's usual port, and a head without agent takes no jobs.
        "dashboard-agent-listen-port": agent,
    }  # fmt: skip
    command = ["ray", "start", "--head", "--block", *(f"--{name}={value}" for name, value in options.items())]
    head = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(f"http://127.0.0.1:{dashboard}/api/version"), 90)
        yield f"http://127.0.0.1:{dashboard}"
    finally:
        end([psutil.Process(head.pid), *psutil.Process(head.pid).children(recursive=True)])


@pytest.fixture
def advnas(environment: dict[str, str], tmp_path: Path) -> Advnas:
    """The command line, in a process of its own: a process looks for its token once."""

    def run(words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "orchestrator", *words]
        return subprocess.run(
            command, env={**environment, "PYTHONPATH": str(PROJECT)}, cwd=tmp_path, capture_output=True,
            text=True, check=False,
        )  # fmt: skip

    return run


def test_a_submitted_job_joins_the_cluster_and_a_stopped_one_leaves_nothing_open(
    address: str, advnas: Advnas, tmp_path: Path
) -> None:
    at = ["--address", address]
    options = [word for name, value in SMALL.items() for word in (f"--search.{name}", str(value))]
    search = [
        "search",
        "digits_adversarial",
        "--name",
        "far",
        "--root",
        str(tmp_path),
        "--cluster.num_workers",
        "1",
        *options,
    ]
    submitted = advnas(["submit", *at, "--detach", "--working-dir", str(PROJECT), "--", *search])
    assert submitted.returncode == 0, submitted.stderr
    job = submitted.stdout.strip()

    checkpoints = tmp_path / "far" / "search" / "checkpoints"
    until(lambda: any(checkpoints.glob("step-*")), 120)
    assert advnas(["submit", "stop", job, *at]).stderr.endswith(f"job {job}: stopped\n")
    status = json.loads(advnas(["submit", "status", job, *at, "--json"]).stdout)
    assert (status["status"], status["exit_code"]) == ("stopped", 130)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert database.execute("SELECT status FROM runs").fetchall() == [("KILLED",)]


def until(happens: Callable[[], bool], seconds: float) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, f"has not happened in {seconds} s"
        time.sleep(0.5)


def answers(url: str) -> bool:
    """Whether the job server is up."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_ports(count: int) -> list[int]:
    """Different ones that nobody uses, outside of those that Ray gives its workers."""
    with ExitStack() as open_ones:
        probes = [open_ones.enter_context(closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def end(processes: Sequence[psutil.Process]) -> None:
    """Of this test alone: the head first, which ends its own, then what is left."""
    for process in processes[:1]:
        process.send_signal(signal.SIGTERM)
    _, left = psutil.wait_procs(processes, timeout=10)
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=10)
