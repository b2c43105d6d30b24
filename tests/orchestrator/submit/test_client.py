import os
import socket

import pytest
import requests
from ray.exceptions import AuthenticationError

from orchestrator.submit import client
from orchestrator.submit.client import SubmitError, connect, explained, use_own_token

ADDRESS = "http://head:8265"


@pytest.mark.parametrize(
    "address", ["head:8265", "ray://head:10001", "auto", "http://", "http://head:port", ""]
)
def test_what_is_no_url_of_a_dashboard_is_refused(address):
    with pytest.raises(SubmitError, match="give the dashboard's URL, as in http://HEAD:8265"):
        connect(address)


def test_nobody_there_is_said_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(SubmitError, match=rf"--address {address}: connection refused; start a head there"):
        connect(address)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            AuthenticationError("no token"),
            "asks for its token, and got none or another; set RAY_AUTH_MODE=token",
        ),
        (ConnectionError("Failed to connect"), "Failed to connect; is this the dashboard of a Ray head?"),
        (
            requests.exceptions.JSONDecodeError("Expecting value", "<html>", 0),
            "is this the dashboard of a Ray",
        ),
        (RuntimeError("Request failed with status code 500: x.\nTraceback\n y"), "status code 500: x$"),
        (
            ValueError("Package size (600MiB) exceeds the maximum size of 512MiB."),
            "512MiB; name what is large in ",
        ),
        (RuntimeError(""), ": RuntimeError$"),
    ],
)
def test_whatever_ray_raises_is_one_line(error, message):
    with pytest.raises(SubmitError, match=message) as raised, explained(ADDRESS):
        raise error
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(f"--address {ADDRESS}: ")


def test_a_bug_stays_a_bug():
    with pytest.raises(KeyError), explained(ADDRESS):
        raise KeyError("ours")


@pytest.mark.parametrize(
    ("address", "mode"),
    [("http://127.0.0.1:8265", "token"), ("http://localhost:8265", "token"), ("http://head:8265", None)],
)
def test_the_own_token_is_shown_to_this_machine_only(address, mode, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "")
    monkeypatch.delenv("RAY_AUTH_MODE")
    monkeypatch.setattr(client, "TOKEN_FILE", tmp_path / "token")
    use_own_token(address)
    assert "RAY_AUTH_MODE" not in os.environ
    (tmp_path / "token").touch()
    use_own_token(address)
    assert os.environ.get("RAY_AUTH_MODE") == mode


def test_what_the_user_has_said_about_tokens_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setattr(client, "TOKEN_FILE", tmp_path)
    use_own_token("http://127.0.0.1:8265")
    assert os.environ["RAY_AUTH_MODE"] == "disabled"


class Starting:
    """A head that takes jobs from the third request on."""

    def __init__(self, message):
        self.requests, self._message = 0, message

    def submit_job(self, **job):
        self.requests += 1
        if self.requests < 3:
            raise RuntimeError(self._message)
        return job["entrypoint"]


def test_a_head_that_has_just_started_is_given_time(monkeypatch):
    monkeypatch.setattr(client.time, "sleep", lambda _: None)
    head = Starting("Request failed with status code 500: No available agent to submit job, please try again")
    assert client.hand_over(head, entrypoint="advnas") == "advnas"
    monkeypatch.setattr(client, "AGENT_S", -1)
    with pytest.raises(RuntimeError, match="No available agent"):
        client.hand_over(Starting("No available agent"), entrypoint="advnas")


def test_another_refusal_is_not_repeated():
    head = Starting("the package exceeds the maximum size")
    with pytest.raises(RuntimeError, match="exceeds"):
        client.hand_over(head, entrypoint="advnas")
    assert head.requests == 1
