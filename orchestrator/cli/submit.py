"""`advnas submit`: running commands as jobs on a Ray cluster, and watching, listing and stopping these
jobs."""

import argparse
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.cli.arguments import Parser, add_json, describe
from orchestrator.cli.commands import COMMANDS
from orchestrator.cli.stage import as_json, result_lines
from orchestrator.cli.submitted_command import entrypoint
from orchestrator.console.exit_codes import DONE, FAILED, INTERRUPTED
from orchestrator.submit.client import NoSuchJob, SubmitError, connect, explained, hand_over, use_own_token
from orchestrator.submit.follow import details, follow, wait
from orchestrator.submit.package import runtime_env, sends_project

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

COMMAND_TAG = "advnas.command"
"""The key of the command in a job's metadata."""

STOP_PATIENCE_S = 90.0
"""Longer than a stopped job may take."""


ADDRESS = "http://127.0.0.1:8265"
"""Where `ray start --head` serves its dashboard, and jobs with it."""

USAGE = "advnas submit --address URL [--working-dir DIR] [--detach] -- COMMAND CONFIG [...]"

MORE = """
The command after -- is one that takes CONFIG. It runs on the head node, in a copy of --working-dir, and joins
the cluster (--cluster.address auto unless the line or CONFIG says otherwise). The folders data and runs are
not sent, nor is what .gitignore and .rayignore name: give root and data as absolute paths that all machines
share.
Token: set RAY_AUTH_MODE=token, with the token in ~/.ray/auth_token or the file named by RAY_AUTH_TOKEN_PATH.
Ctrl-C stops watching, not the job. The exit code is the job's.
"""

EXAMPLES = (
    f"advnas submit --address {ADDRESS} -- search cifar10 --name big --root /shared/runs "
    "--cluster.num_workers 16 --cluster.use_gpu true",
    f"advnas submit --address {ADDRESS} --detach -- pipeline my_run.yaml --root /shared/runs",
    f"advnas submit status JOB --address {ADDRESS}      # also: logs, stop, list",
)


def add_arguments(parser: Parser, name: str) -> None:
    """The cluster's address, and what the action needs."""
    if name == "submit":
        describe(parser, COMMANDS[name].about, EXAMPLES, USAGE, MORE)
        _add_submit(parser)
    else:
        example = f"advnas {name} --address" if name == "submit list" else f"advnas {name} job --address"
        describe(parser, COMMANDS[name].about, (f"{example} {ADDRESS}", f"{example} URL"))
        _add_action(parser, name)
    parser.add_argument(
        "--address", required=True, metavar="URL", help=f"address of the cluster's dashboard, as in {ADDRESS}"
    )


def _add_submit(parser: Parser) -> None:
    parser.add_argument(
        "--working-dir",
        default=".",
        metavar="DIR",
        help="folder that is sent to the cluster: the project, your .yaml files",
    )
    parser.add_argument("--detach", action="store_true", help="print the job's name and leave it running")
    parser.add_argument(
        "--driver-cpus", type=_amount, metavar="N", help="CPUs reserved for the command's own process"
    )
    parser.add_argument(
        "--driver-gpus",
        type=_amount,
        metavar="N",
        help="GPUs of the command's own process, which scores (default: none)",
    )


def _add_action(parser: Parser, name: str) -> None:
    if name != "submit list":
        parser.add_argument("job", metavar="JOB", help="as `advnas submit` printed it")
    if name in ("submit list", "submit status"):
        add_json(parser)
    if name == "submit logs":
        text = "until the job ends; the exit code is the job's"
        parser.add_argument("--follow", action="store_true", help=text)


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return amount


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
    """The exit code of the job's command; without one, the code with which a local command would have
    ended."""
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
