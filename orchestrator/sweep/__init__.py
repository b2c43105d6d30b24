"""Sweeps: many configurations, each with several seeds, chosen by Optuna and placed by Ray Tune.

from orchestrator.sweep import load_results
trials = load_results("my-sweep", root="runs")
"""

from orchestrator.sweep.results import load_results

__all__ = ["load_results"]
