"""What is slow to make, made once: the digits classifier, random Inception weights, two worker processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trainers.metrics.stand_ins import random_inception
from tests.trainers.metrics.workers import TwoWorkers


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder shared by the tests, in which the digits classifier is trained once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeded random weights of Inception's architecture."""
    file = tmp_path_factory.mktemp("weights") / "inception.pth"
    random_inception(file)
    return file


@pytest.fixture(scope="session")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoWorkers]:
    """Two processes in one gloo group."""
    workers = TwoWorkers(tmp_path_factory.mktemp("workers"))
    yield workers
    workers.close()
