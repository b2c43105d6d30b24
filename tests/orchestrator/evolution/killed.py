"""`python -m tests.orchestrator.evolution.killed PLACE COUNT WORDS`: advnas, killed on its way.

PLACE is `report` (of a training, before its checkpoint is written) or `score` (of a candidate, once it is in
the journal). At the COUNTth the whole process group gets SIGKILL, as if the machine had lost power.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from orchestrator.__main__ import main
from orchestrator.evolution import progress
from orchestrator.trainings import train
from trainers.report import Report


def run_killed(
    words: list[str], place: str, at: int, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The command in a process group of its own, and how it ended."""
    command = [sys.executable, "-m", __name__, place, str(at), *words]
    return subprocess.run(
        command, check=False, start_new_session=True, env={**os.environ, **(environment or {})}
    )


def _die_at(number: int) -> Callable[[], None]:
    numbers = count(1)

    def once_more() -> None:
        if next(numbers) == number:
            os.killpg(os.getpgrp(), signal.SIGKILL)

    return once_more


def _reports(then: Callable[[], None]) -> None:
    listening = train.listening

    def watched(job: Any) -> Callable[[Report], None]:
        keep = listening(job)

        def emit(report: Report) -> None:
            keep(report)
            then()

        return emit

    train.listening = watched


def _scores(then: Callable[[], None]) -> None:
    append = progress.append_entry

    def watched(*arguments: Any) -> None:
        append(*arguments)
        then()

    progress.append_entry = watched


if __name__ == "__main__":
    place, number, *words = sys.argv[1:]
    {"report": _reports, "score": _scores}[place](_die_at(int(number)))
    sys.exit(main(words))
