"""Small sweeps of the digits preset that are never run."""

from typing import Any

from orchestrator.config.experiment import load_experiment, with_overrides
from orchestrator.sweep.config import Sweep, SweepConfig

DOCUMENT: dict[str, Any] = {
    "base": "digits_adversarial",
    "space": {
        "search.strategy.alpha_optimizer.lr": {"log_uniform": [0.003, 0.3]},
        "search.n_critic": {"int": [1, 5]},
    },
    "objective": {"metric": "fd_digits", "goal": "minimize"},
    "budget": {"trials": 4},
}


def sweep_of(**changes: Any) -> Sweep:
    """A sweep with some of its settings changed."""
    config = SweepConfig.model_validate({**DOCUMENT, **changes})
    return Sweep(config=config, base=with_overrides(load_experiment("digits_adversarial"), config.overrides))
