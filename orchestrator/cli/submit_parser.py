"""The arguments and the help of `advnas submit`."""

import argparse
from typing import TYPE_CHECKING

from orchestrator.cli.arguments import add_command, add_json

if TYPE_CHECKING:
    from orchestrator.cli.arguments import Commands

SUBMIT = ("submit", "submit list", "submit status", "submit logs", "submit stop")
"""Commands that talk to the job server of a cluster."""

ADDRESS = "http://127.0.0.1:8265"
"""Where `ray start --head` serves its dashboard, and jobs with it."""

MORE = """
The command after -- is one that takes CONFIG. It runs on the head node, in a copy of --working-dir, and joins
the cluster (--cluster.address auto unless it says otherwise). Not sent are the folders data and runs, and
what .gitignore and .rayignore name: give root and data as absolute paths that all machines share.
Token: RAY_AUTH_MODE=token, with the token in ~/.ray/auth_token or the file that RAY_AUTH_TOKEN_PATH names.
Ctrl-C stops watching, not the job. The exit code is the job's.
"""


def add_submit(commands: "Commands") -> None:
    """`advnas submit` and its two-word companions."""
    submit = add_command(
        commands,
        "submit",
        "do a command on a Ray cluster, and watch it",
        (
            f"advnas submit --address {ADDRESS} -- search cifar10 --name big --root /shared/runs "
            "--cluster.num_workers 16 --cluster.use_gpu true",
            f"advnas submit --address {ADDRESS} --detach -- pipeline my_run.yaml --root /shared/runs",
            f"advnas submit status JOB --address {ADDRESS}      # also: logs, stop, list",
        ),
        usage="advnas submit --address URL [--working-dir DIR] [--detach] -- COMMAND CONFIG [...]",
        more=MORE,
    )
    _add_address(submit)
    submit.add_argument(
        "--working-dir", default=".", metavar="DIR", help="sent to the cluster: the project, your .yaml files"
    )
    submit.add_argument("--detach", action="store_true", help="print the job's name and leave it running")
    submit.add_argument(
        "--driver-cpus", type=_amount, metavar="N", help="CPUs reserved for the command's own process"
    )
    submit.add_argument(
        "--driver-gpus",
        type=_amount,
        metavar="N",
        help="GPUs of the command's own process, which scores (default: none)",
    )
    _add_action(commands, "list", "list the jobs of a cluster", ())
    _add_action(commands, "status", "say how a job is doing", ("JOB",))
    logs = _add_action(commands, "logs", "print what a job has said", ("JOB",))
    logs.add_argument("--follow", action="store_true", help="until the job ends; the exit code is the job's")
    _add_action(commands, "stop", "end a job as Ctrl-C would; started again it goes on", ("JOB",))


def _add_action(
    commands: "Commands", action: str, about: str, positional: tuple[str, ...]
) -> argparse.ArgumentParser:
    example = " ".join(["advnas submit", action, *(name.lower() for name in positional)])
    command = add_command(
        commands, f"submit {action}", about, (f"{example} --address {ADDRESS}", f"{example} --address URL")
    )
    for name in positional:
        command.add_argument(name.lower(), metavar=name, help="as `advnas submit` printed it")
    _add_address(command)
    if action in ("list", "status"):
        add_json(command)
    return command


def _add_address(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--address", required=True, metavar="URL", help=f"of the cluster's dashboard, as in {ADDRESS}"
    )


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return amount
