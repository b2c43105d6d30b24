import pytest

from orchestrator.submit import follow as module
from orchestrator.submit.client import NoSuchJob, SubmitError
from orchestrator.submit.follow import ATTEMPTS, follow, wait
from tests.orchestrator.submit.clients import JOB, FakeClient, UnknownJobs, details

RUNNING, ENDED = details("RUNNING"), details("SUCCEEDED")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(module, "PAUSE_S", 0)


def followed(client):
    said = []
    return follow(client, "http://there:1", JOB, said.append), "".join(said)


def test_everything_is_passed_on_until_the_job_has_ended():
    client = FakeClient([RUNNING, ENDED], [["one\n", "two\n"]])
    assert followed(client) == (ENDED, "one\ntwo\n")


def test_after_a_broken_connection_nothing_is_said_twice():
    broken = RuntimeError("WebSocket connection closed unexpectedly with close code 1006")
    client = FakeClient([RUNNING, ENDED], [["one\ntw", broken], ["one\n", broken], ["one\ntwo", "\nthree\n"]])
    assert followed(client) == (ENDED, "one\ntwo\nthree\n")


def test_a_log_that_ends_before_the_job_does_is_read_again():
    client = FakeClient([RUNNING, RUNNING, ENDED], [["one\n"], ["one\n", "two\n"]])
    assert followed(client) == (ENDED, "one\ntwo\n")


def test_a_server_that_stays_away_is_given_up():
    broken = [[ConnectionError("refused")]] * (ATTEMPTS + 1)
    client = FakeClient([RUNNING], broken)
    with pytest.raises(SubmitError, match="--address http://there:1: refused"):
        followed(client)


def test_news_between_two_breaks_renew_the_patience():
    lines = [f"{number}\n" for number in range(2 * ATTEMPTS)]
    connections = [[*lines[: number + 1], ConnectionError("gone")] for number in range(2 * ATTEMPTS)]
    client = FakeClient([RUNNING, ENDED], [*connections, lines])
    assert followed(client) == (ENDED, "".join(lines))


def test_an_unknown_job_is_said_at_once():
    with pytest.raises(
        NoSuchJob, match="raysubmit_1: no such job; `advnas submit list --address http://there:1`"
    ):
        followed(UnknownJobs())


def test_waiting_ends_with_the_job_or_the_patience():
    assert wait(FakeClient([RUNNING, ENDED]), "http://there:1", JOB, 10) == ENDED
    with pytest.raises(SubmitError, match="raysubmit_1: still running after 0 s"):
        wait(FakeClient([RUNNING]), "http://there:1", JOB, 0)
