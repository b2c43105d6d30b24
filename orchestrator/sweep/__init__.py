"""Sweeps: many configurations, each with several seeds, chosen by Optuna and placed by Ray Tune.

from orchestrator.sweep import load_results
trials = load_results("my-sweep", root="runs")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.sweep.results import load_results

__all__ = ["load_results"]


def __getattr__(name: str) -> Any:
    """Imported on first use: whoever wants a sweep's options alone needs neither its results nor torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from orchestrator.sweep import results

    return getattr(results, name)
