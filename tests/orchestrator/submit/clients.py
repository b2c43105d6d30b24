"""A job server that does what the test says."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from ray.job_submission import JobDetails

JOB = "raysubmit_1"


def details(status: str, **more: Any) -> JobDetails:
    """What a server tells of a job."""
    return JobDetails(type="SUBMISSION", submission_id=JOB, status=status, entrypoint="python x", **more)


class FakeClient:
    """`connections` are what each connection to the log says: texts, or an error it breaks with."""

    def __init__(
        self, states: Sequence[JobDetails], connections: Sequence[Sequence[str | Exception]] = ()
    ) -> None:
        self.submitted: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self._states, self._connections = list(states), list(connections)

    def submit_job(self, **job: Any) -> str:
        self.submitted.append(job)
        return JOB

    def get_job_info(self, _job: str) -> JobDetails:
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]

    def list_jobs(self) -> list[JobDetails]:
        return self._states

    def get_job_logs(self, _job: str) -> str:
        return "all\n"

    def stop_job(self, job: str) -> bool:
        self.stopped.append(job)
        return True

    async def tail_job_logs(self, _job: str) -> AsyncIterator[str]:
        for text in self._connections.pop(0):
            if isinstance(text, BaseException):
                raise text
            yield text


class UnknownJobs:
    """A server that knows no job."""

    def __getattr__(self, _name: str) -> Any:
        def refuse(job: str) -> None:
            raise RuntimeError(f"Request failed with status code 404: Job {job} does not exist.")

        return refuse
