import json

import pytest

from orchestrator.__main__ import main
from orchestrator.cli import submit as command
from tests.orchestrator.submit.clients import JOB, FakeClient, UnknownJobs, details

AT = ["--address", "http://there:1"]
SEARCH = ["--", "search", "digits", "--root", "/shared/runs", "--cluster.num_workers", "2"]


@pytest.fixture
def server(monkeypatch):
    """Sets up who answers."""
    return lambda client: monkeypatch.setattr(command, "connect", lambda _: client) or client


def test_a_job_is_watched_to_its_end(server, capsys):
    client = server(FakeClient([details("RUNNING"), details("SUCCEEDED")], [["search 2/2\n"]]))
    assert main(["submit", *AT, "--driver-gpus", "1", *SEARCH]) == 0
    output = capsys.readouterr()
    assert output.out == "search 2/2\n"
    assert output.err.splitlines() == [
        "advnas: job raysubmit_1 on http://there:1; Ctrl-C leaves it running",
        "advnas: job raysubmit_1: succeeded",
    ]
    [job] = client.submitted
    assert job["entrypoint"] == f"python -m orchestrator {' '.join(SEARCH[1:])} --cluster.address auto"
    assert (job["entrypoint_num_gpus"], job["entrypoint_num_cpus"]) == (1.0, None)
    assert int(job["runtime_env"]["env_vars"]["RAY_JOB_STOP_WAIT_TIME_S"]) > 30


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (details("FAILED", driver_exit_code=2), 2),
        (details("FAILED", driver_exit_code=-9), 1),
        (details("FAILED", message="Runtime env setup failed\nTraceback"), 1),
        (details("STOPPED"), 130),
    ],
)
def test_the_exit_code_is_the_jobs(ended, code, server, capsys):
    server(FakeClient([ended], [[]]))
    assert main(["submit", *AT, *SEARCH]) == code
    reason = ": Runtime env setup failed" if ended.driver_exit_code is None and ended.message else ""
    assert capsys.readouterr().err.splitlines()[-1] == f"advnas: job {JOB}: {ended.status.lower()}{reason}"


def test_detached_the_name_is_all_of_stdout(server, capsys):
    server(FakeClient([details("RUNNING")]))
    assert main(["submit", *AT, "--detach", *SEARCH]) == 0
    output = capsys.readouterr()
    assert output.out == f"{JOB}\n"
    assert f"advnas submit status {JOB} --address http://there:1" in output.err


def test_ctrl_c_leaves_the_job_running(server, capsys):
    client = server(FakeClient([details("RUNNING")], [["one\n", KeyboardInterrupt()]]))
    assert main(["submit", *AT, *SEARCH]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"advnas: the job goes on; `advnas submit logs {JOB} --follow --address http://there:1` "
        "watches it again"
    )
    assert not client.stopped


def test_a_lost_server_is_a_failure_that_names_the_job(server, capsys, monkeypatch):
    monkeypatch.setattr("orchestrator.submit.follow.PAUSE_S", 0)
    server(FakeClient([details("RUNNING")], [[ConnectionError("gone")]] * 9))
    assert main(["submit", *AT, *SEARCH]) == 1
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"; job {JOB} may still run")


def test_without_workers_or_project_it_is_said_where_things_happen(server, capsys, tmp_path):
    server(FakeClient([details("RUNNING")]))
    words = ["--", "search", "digits", "--root", "/shared/runs"]
    assert main(["submit", *AT, "--detach", "--working-dir", str(tmp_path), *words]) == 0
    error = capsys.readouterr().err
    assert "has no orchestrator/; the job uses the advnas that the machines have" in error
    assert "cluster.num_workers = 0: the job's own process does the training" in error


def test_status_tells_a_person_and_a_program(server, capsys):
    job = details(
        "FAILED",
        driver_exit_code=2,
        message="failed with exit code 2\nlog",
        metadata={"advnas.command": "search x"},
    )
    server(FakeClient([job]))
    assert main(["submit", "status", JOB, *AT]) == 0
    assert "status: failed\ncommand: search x\n" in capsys.readouterr().out
    assert main(["submit", "status", JOB, *AT, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["job"], told["exit_code"], told["message"]) == (JOB, 2, "failed with exit code 2")


def test_logs_are_those_so_far_or_followed(server, capsys):
    server(FakeClient([details("FAILED", driver_exit_code=3)], [["streamed\n"]]))
    assert main(["submit", "logs", JOB, *AT]) == 0
    assert main(["submit", "logs", JOB, *AT, "--follow"]) == 3
    assert capsys.readouterr().out == "all\nstreamed\n"


def test_stopping_waits_until_everything_is_closed(server, capsys, monkeypatch):
    monkeypatch.setattr("orchestrator.submit.follow.PAUSE_S", 0)
    client = server(FakeClient([details("RUNNING"), details("RUNNING"), details("STOPPED")]))
    assert main(["submit", "stop", JOB, *AT]) == 0
    assert client.stopped == [JOB]
    assert capsys.readouterr().err == f"advnas: job {JOB}: stopped\n"


def test_the_list_has_the_newest_first(server, capsys):
    old, new = details("STOPPED", start_time=1000), details("RUNNING", start_time=2_000_000)
    server(FakeClient([old, new]))
    assert main(["submit", "list", *AT]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["running", "stopped"]


@pytest.mark.parametrize("action", ["status", "logs", "stop"])
def test_an_unknown_job_is_a_mistake(action, server, capsys):
    server(UnknownJobs())
    assert main(["submit", action, JOB, *AT]) == 2
    assert capsys.readouterr().err == (
        f"advnas: {JOB}: no such job; `advnas submit list --address http://there:1` shows those there are\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (SEARCH, "required: --address"),
        ([*AT, "search", "digits"], "unrecognized arguments: search digits"),
        ([*AT, "--driver-gpus", "-1", *SEARCH], "'-1' is not a number from 0 on"),
        ([*AT, "--working-dir", "/nowhere", *SEARCH], "--working-dir /nowhere: no such folder"),
        (["status", *AT], "required: JOB"),
        (["stop", JOB], "required: --address"),
    ],
)
def test_a_mistake_is_one_line(words, message, capsys):
    assert main(["submit", *words]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line
