"""Connecting to the job server of a cluster, and explaining its errors."""

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestrator.cluster.session import TOKEN_FILE
from search_space.errors import UserError

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

CONNECT_S = 10.0
"""Seconds to wait for the server to take a connection; Ray's client would wait for minutes."""

AGENT_S = 60.0
"""Seconds for which a head may have nobody who takes jobs yet."""
NO_AGENT = "No available agent"
"""The text of that answer of the head."""

OVERRIDING = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")
"""Environment variables that Ray's client takes instead of the address it is given."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")

TOKEN_CURE = (
    "set RAY_AUTH_MODE=token and put the cluster's token (`ray get-auth-token` on its head) into a file that "
    "only you can read, named by RAY_AUTH_TOKEN_PATH"
)


class SubmitError(UserError):
    """The job server cannot be reached, or refuses."""


class NoSuchJob(SubmitError):
    """The cluster knows no job of that name."""


def connect(address: str) -> "JobSubmissionClient":
    """A client of the job server at exactly this address.

    Raises:
        SubmitError: no URL, nobody there, somebody else there, or a token is asked for.
    """
    host, port = _host_and_port(address)
    _require_listener(address, host, port)
    for name in OVERRIDING:
        os.environ.pop(name, None)
    with explained(address):
        from ray.job_submission import JobSubmissionClient

        for handler in logging.getLogger("ray").handlers:
            handler.setLevel(logging.ERROR)  # what is packed, what is not, when a connection ends
        return JobSubmissionClient(address)


def use_own_token(address: str) -> None:
    """On this machine, do as `ray start` does: use the user's token where there is one.

    Other machines get it only where RAY_AUTH_MODE says so. Comes before Ray is imported, which looks once.
    """
    if urlsplit(address).hostname in LOOPBACK and TOKEN_FILE.expanduser().is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def hand_over(client: "JobSubmissionClient", **job: Any) -> str:
    """Name of the submitted job; a head that has just started is given time."""
    deadline = time.monotonic() + AGENT_S
    while True:
        try:
            return client.submit_job(**job)
        except RuntimeError as error:
            if NO_AGENT not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(1)


@contextmanager
def explained(address: str, job: str | None = None) -> Iterator[None]:
    """Turn what Ray's job client raises into one line; `job` is the one that is asked for."""
    import aiohttp
    import requests
    from ray.exceptions import AuthenticationError

    try:
        yield
    except AuthenticationError:
        raise SubmitError(
            f"--address {address}: the cluster asks for its token, and got none or another; {TOKEN_CURE}"
        ) from None
    except aiohttp.ClientConnectorError:
        raise SubmitError(
            f"--address {address}: the head does not answer any more; start it again (ray start --head), "
            "then submit the same command, which goes on where it was"
        ) from None
    except (OSError, requests.RequestException, aiohttp.ClientError) as error:
        raise SubmitError(
            f"--address {address}: {_first_line(error)}; is this the dashboard of a Ray head?"
        ) from error
    except (RuntimeError, ValueError) as error:
        if job and "does not exist" in str(error):
            raise NoSuchJob(
                f"{job}: no such job; `advnas submit list --address {address}` shows those there are"
            ) from None
        raise SubmitError(f"--address {address}: {_first_line(error)}{_cure(str(error))}") from error


def _host_and_port(address: str) -> tuple[str, int]:
    cure = "give the dashboard's URL, as in http://HEAD:8265"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise SubmitError(f"--address {address}: not a URL; {cure}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise SubmitError(f"--address {address}: must begin with http:// or https://; {cure}")
    return host, port or (443 if parts.scheme == "https" else 80)


def _require_listener(address: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), CONNECT_S).close()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SubmitError(
            f"--address {address}: {reason}; start a head there (ray start --head) or correct the address"
        ) from None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).removesuffix(".")[:300]


def _cure(message: str) -> str:
    if "exceeds the maximum" in message:
        return "; name what is large in .rayignore"
    return ""
