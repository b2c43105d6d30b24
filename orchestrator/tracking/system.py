"""How busy the driver's machine is, in MLflow's own names, measured with every report."""

import logging
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.system_metrics.metrics.base_metrics_monitor import BaseMetricsMonitor

logger = logging.getLogger(__name__)

PREFIX = "system/"
"""By which MLflow knows what it shows as system metrics."""


class SystemMetrics:
    """MLflow's monitors, whose measurements go with reports: an outage of the store loses none.

    MLflow's own thread would number its samples itself; here the step is that of the training.
    """

    def __call__(self) -> dict[str, float]:
        """CPU, memory, disk, network and, where the package that asks them is installed, GPUs."""
        found: dict[str, float] = {}
        for monitor in self._monitors:
            try:
                monitor.collect_metrics()
                found |= {f"{PREFIX}{name}": value for name, value in monitor.aggregate_metrics().items()}
                monitor.clear_metrics()
            except Exception as error:  # a driver of a device, a mount that is gone: never a reason to stop
                logger.debug("no system metrics: %s", error)
        return found

    @cached_property
    def _monitors(self) -> "list[BaseMetricsMonitor]":
        from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
        from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
        from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
        from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor
        from mlflow.system_metrics.metrics.rocm_monitor import ROCMMonitor

        monitors: list[BaseMetricsMonitor] = []
        for kind in (CPUMonitor, DiskMonitor, NetworkMonitor, GPUMonitor, ROCMMonitor):
            try:
                monitors.append(kind())
            except Exception as error:  # no such device, or not the package that asks it
                logger.debug("no system metrics of %s: %s", kind.__name__, error)
        return monitors
