"""What Ray Train is asked for; it is not started."""

import pytest

from orchestrator.cluster.report_channel import ReportChannel
from orchestrator.cluster.train import _trainer
from tests.orchestrator.tiny_jobs import tiny_job


@pytest.mark.parametrize("placement", ["pack", "spread"])
def test_workers_are_asked_for_as_configured(placement, tmp_path):
    job = tiny_job(tmp_path, cluster__num_workers=4, cluster__cpus_per_worker=3, cluster__placement=placement)
    job.folder.mkdir(parents=True)
    asked = _trainer(job, ReportChannel(None)).scaling_config
    assert (asked.num_workers, asked.resources_per_worker) == (4, {"CPU": 3})
    assert asked.placement_strategy == placement.upper()
