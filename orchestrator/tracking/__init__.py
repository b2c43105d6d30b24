"""MLflow, as the driver sees it: one run a stage, one write a report. Workers never open a run."""

from orchestrator.tracking.run import TrackedRun
from orchestrator.tracking.store import TrackingError
from orchestrator.tracking.tracker import Tracker

__all__ = ["TrackedRun", "Tracker", "TrackingError"]
