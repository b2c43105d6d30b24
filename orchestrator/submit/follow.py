"""Watching a job: its output is shown until it ends."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.submit.client import NoSuchJob, SubmitError, explained

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

ATTEMPTS = 6
"""Connections in a row that may break without a new word."""

PAUSE_S = 2.0
"""Between two of them, and two looks at a job that is about to end."""

Write = Callable[[str], object]


class Log:
    """What a job has said, passed on once, however often the connection breaks."""

    def __init__(self, client: "JobSubmissionClient", job: str, write: Write) -> None:
        self.passed_on = 0
        """Characters."""
        self._client, self._job, self._write = client, job, write

    def read(self) -> None:
        """Pass on what is new until the job ends or the connection breaks."""
        asyncio.run(self._read())

    async def _read(self) -> None:
        position = 0  # each connection tells the log from its beginning
        async for text in self._client.tail_job_logs(self._job):
            if new := text[max(self.passed_on - position, 0) :]:
                self._write(new)
                self.passed_on += len(new)
            position += len(text)


def follow(client: "JobSubmissionClient", address: str, job: str, write: Write) -> "JobDetails":
    """Pass on the output of a job until it has ended.

    Raises:
        NoSuchJob: the cluster knows none of that name.
        SubmitError: the server stays away; the job goes on.
    """
    log, failures = Log(client, job, write), 0
    info = details(client, address, job)
    while True:
        before = log.passed_on
        try:
            with explained(address):
                log.read()
            info = details(client, address, job)
            failures = 0
        except NoSuchJob:
            raise
        except SubmitError:
            failures = 1 if log.passed_on > before else failures + 1
            if failures == ATTEMPTS:
                raise
        else:
            if info.status.is_terminal():
                return info
        time.sleep(PAUSE_S)


def details(client: "JobSubmissionClient", address: str, job: str) -> "JobDetails":
    """What the cluster knows of a job.

    Raises:
        NoSuchJob: nothing.
        SubmitError: the server does not answer.
    """
    with explained(address, job):
        return client.get_job_info(job)


def wait(client: "JobSubmissionClient", address: str, job: str, seconds: float) -> "JobDetails":
    """The job once it has ended.

    Raises:
        SubmitError: it has not in this time, or the server does not answer.
    """
    end = time.monotonic() + seconds
    while not (info := details(client, address, job)).status.is_terminal():
        if time.monotonic() > end:
            raise SubmitError(f"{job}: still {info.status.value.lower()} after {seconds:.0f} s")
        time.sleep(PAUSE_S)
    return info
