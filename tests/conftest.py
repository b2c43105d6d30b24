"""What every folder of tests shares."""

from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import jaxtyping._typeguard  # the checker that pyproject.toml names; jaxtyping alone does not load it
import pytest
import torch
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


HERE = Path(__file__).parent


class OneRayAtATime(LoadFileScheduling):
    """Files go to whichever process is free, but those of tests on Ray to one: two Rays starve each other."""

    def _split_scope(self, nodeid: str) -> str:
        ray = "tests/integration/"
        return ray if nodeid.startswith(ray) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneRayAtATime:
    """For `make test`; in one process it is not asked."""
    return OneRayAtATime(config, log)


@pytest.fixture
def float64() -> Iterator[None]:
    """New tensors are float64, so that two ways of computing one thing differ by rounding only."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def unchecked_shapes() -> Iterator[None]:
    """For tests of many steps: checking shapes costs four times the computation of tiny networks."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="module", autouse=True)
def unchecked_shapes_of_whole_jobs(request: pytest.FixtureRequest) -> Iterator[None]:
    """What whole jobs are made of is checked by the tests of its parts."""
    whole_jobs = request.path.relative_to(HERE).parts[0] in {"orchestrator", "integration"}
    jaxtyping.config.update("jaxtyping_disable", whole_jobs)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Tiny networks compute fastest alone, and sums over threads round differently."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's, to be copied: making its tables takes seconds."""
    from orchestrator.tracking import Tracker

    root = tmp_path_factory.mktemp("fresh")
    Tracker(f"sqlite:///{root / 'mlflow.db'}", "of the copied database", root)
    return root / "mlflow.db"
