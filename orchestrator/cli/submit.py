"""What `advnas submit` and its companions do; each returns the exit code."""

import argparse
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.cli.run import as_json, result_lines
from orchestrator.cli.submitted_command import entrypoint
from orchestrator.console.exit_codes import DONE, FAILED, INTERRUPTED
from orchestrator.submit.client import NoSuchJob, SubmitError, connect, explained, hand_over, use_own_token
from orchestrator.submit.follow import details, follow, wait
from orchestrator.submit.package import runtime_env, sends_project

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

COMMAND_TAG = "advnas.command"
"""Of a job's metadata."""

STOP_PATIENCE_S = 90.0
"""Longer than a stopped job may take."""


def run(arguments: argparse.Namespace) -> int:
    """Do what the arguments say.

    Raises:
        UserError: a mistake in the command, its configuration or the address; a cluster that refuses.
    """
    use_own_token(arguments.address)
    return ACTIONS[arguments.command](arguments)


def submit(arguments: argparse.Namespace) -> int:
    """Send the folder, start the command there and watch it."""
    folder = Path(arguments.working_dir)
    environment = runtime_env(folder)
    job = entrypoint(arguments.words, folder)
    client = connect(arguments.address)
    if not sends_project(folder):
        _say(f"{folder.absolute()}: has no orchestrator/; the job uses the advnas that the machines have")
    if job.num_workers == 0:
        _say("cluster.num_workers = 0: the job's own process does the training, on the node it starts on")
    with explained(arguments.address):
        name = hand_over(
            client,
            entrypoint=job.command,
            runtime_env=environment,
            metadata={COMMAND_TAG: job.words},
            entrypoint_num_cpus=arguments.driver_cpus,
            entrypoint_num_gpus=arguments.driver_gpus,
        )
    if arguments.detach:
        _say(f"submitted; `advnas submit status {name} --address {arguments.address}` (or logs, stop)")
        print(name)
        return DONE
    _say(f"job {name} on {arguments.address}; Ctrl-C leaves it running")
    return _watched(client, arguments.address, name)


def logs(arguments: argparse.Namespace) -> int:
    """Print what a job has said; with --follow, until it ends."""
    client = connect(arguments.address)
    if arguments.follow:
        return _watched(client, arguments.address, arguments.job)
    with explained(arguments.address, arguments.job):
        print(client.get_job_logs(arguments.job), end="")
    return DONE


def status(arguments: argparse.Namespace) -> int:
    """Print how a job is doing."""
    found = _described(details(connect(arguments.address), arguments.address, arguments.job))
    print(as_json(found) if arguments.json else "\n".join(result_lines(found)))
    return DONE


def list_jobs(arguments: argparse.Namespace) -> int:
    """Print the jobs, newest first."""
    client = connect(arguments.address)
    with explained(arguments.address):
        jobs = [job for job in client.list_jobs() if job.submission_id]
    found = [_described(job) for job in sorted(jobs, key=lambda job: job.start_time or 0, reverse=True)]
    if arguments.json:
        print(as_json(found))
    for job in found if not arguments.json else ():
        print(f"{job['job']}  {job['status']:<9}  {job['started']}  {job['command']}")
    return DONE


def stop(arguments: argparse.Namespace) -> int:
    """End a job, and wait until it has closed what it had open."""
    client = connect(arguments.address)
    with explained(arguments.address, arguments.job):
        client.stop_job(arguments.job)
    ended = wait(client, arguments.address, arguments.job, STOP_PATIENCE_S)
    _say(f"job {arguments.job}: {ended.status.value.lower()}")
    return DONE


ACTIONS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "submit": submit,
    "submit list": list_jobs,
    "submit status": status,
    "submit logs": logs,
    "submit stop": stop,
}


def _watched(client: "JobSubmissionClient", address: str, job: str) -> int:
    try:
        ended = follow(client, address, job, _write)
    except KeyboardInterrupt:
        _say(f"the job goes on; `advnas submit logs {job} --follow --address {address}` watches it again")
        return INTERRUPTED
    except NoSuchJob:
        raise
    except SubmitError as error:
        _say(f"{error}; job {job} may still run")
        return FAILED
    _say(f"job {job}: {_ending(ended)}")
    return exit_code(ended)


def exit_code(job: "JobDetails") -> int:
    """Of the job's command; where it has none, as a command here would end."""
    if job.status == "SUCCEEDED":
        return DONE
    if job.status == "STOPPED":
        return INTERRUPTED
    code = job.driver_exit_code
    return code if code is not None and 0 < code < 256 else FAILED


def _described(job: "JobDetails") -> dict[str, Any]:
    return {
        "job": job.submission_id,
        "status": job.status.value.lower(),
        "command": (job.metadata or {}).get(COMMAND_TAG, job.entrypoint),
        "started": _time(job.start_time),
        "ended": _time(job.end_time),
        "exit_code": exit_code(job) if job.status.is_terminal() else None,
        "message": _first_line(job.message),
    }


def _ending(job: "JobDetails") -> str:
    """How it ended; why, where its own words cannot say because it never spoke."""
    reason = f": {_first_line(job.message)}" if job.driver_exit_code is None and job.message else ""
    return f"{job.status.value.lower()}{reason}"


def _first_line(message: str | None) -> str:
    return (message or "").strip().partition("\n")[0]


def _time(milliseconds: int | None) -> str | None:
    return datetime.fromtimestamp(milliseconds / 1000).isoformat(" ", "seconds") if milliseconds else None


def _write(text: str) -> None:
    print(text, end="", flush=True)


def _say(text: str) -> None:
    """To stderr: stdout is the job's."""
    print(f"advnas: {text}", file=sys.stderr, flush=True)
