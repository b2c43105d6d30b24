"""Named protocols of scoring.

Scores of different protocols cannot be compared: 12.42 and 21.18 can be one network.
"""

from collections.abc import Mapping

from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import ScoreError

PROTOCOLS: Mapping[str, EvaluationConfig] = {
    "paper": EvaluationConfig(),
    "quick": EvaluationConfig(samples=5_000, metrics=("kid",)),
}
"""`paper`: 50,000 samples truncated to uint8, against the training images; Inception score in 10 splits.
`quick`: the kernel distance, which few samples do not bias, for use while training."""

FREE = ("every", "batch_size", "weights", "statistics", "metrics", "seed")
"""Options that may differ within a protocol: none changes what a score of the same name means."""


def following(protocol: str, config: EvaluationConfig) -> EvaluationConfig:
    """The protocol's values, with the configuration's own places, batch size and seed.

    Raises:
        ScoreError: no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise ScoreError(f"unknown protocol {protocol!r}; known: {', '.join(PROTOCOLS)}")
    own = {name: getattr(config, name) for name in FREE if name != "metrics"}
    return PROTOCOLS[protocol].model_copy(update=own)


def protocol_name(config: EvaluationConfig) -> str:
    """The protocol a configuration follows, or `custom`: told from its values, not claimed."""
    fixed = {name: value for name, value in config if name not in FREE}
    for name, protocol in PROTOCOLS.items():
        if fixed == {field: value for field, value in protocol if field not in FREE}:
            return name
    return "custom"
