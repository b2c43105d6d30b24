"""Every search strategy by its name; the first is the default."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trainers.options import one_of
from trainers.strategies.adversarial_config import AdversarialConfig
from trainers.strategies.one_shot_config import OneShotConfig
from trainers.strategies.random import RandomConfig
from trainers.strategies.strategy import StrategyConfig

STRATEGIES: Mapping[str, type[StrategyConfig]] = {
    "adversarial": AdversarialConfig,
    "random": RandomConfig,
    "one_shot": OneShotConfig,
}

if TYPE_CHECKING:
    StrategyOptions = StrategyConfig
else:
    StrategyOptions = one_of(STRATEGIES)
"""The options of one of them."""
