"""What every folder of tests shares."""

from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import jaxtyping._typeguard  # the checker that pyproject.toml names; jaxtyping alone does not load it
import pytest
import torch
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


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
