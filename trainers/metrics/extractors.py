"""The feature extractors, one line each."""

from collections.abc import Callable, Mapping
from pathlib import Path

from trainers.metrics.config import EvaluationConfig
from trainers.metrics.digits import digits
from trainers.metrics.extractor import Extractor

EXTRACTORS: Mapping[str, Callable[[EvaluationConfig, Path], Extractor]] = {
    "digits": digits,
}
"""Name -> how to make it from the configuration and the cache folder."""
