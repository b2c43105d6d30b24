"""MLflow as the driver uses it: one run per stage, one write per report. Workers never open a run."""

from orchestrator.tracking.run import TrackedRun
from orchestrator.tracking.store import TrackingError
from orchestrator.tracking.tracker import Tracker

__all__ = ["TrackedRun", "Tracker", "TrackingError"]
