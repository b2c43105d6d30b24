"""The policy `random`: candidates drawn at random are trained to the end, as a control for every other
policy."""

from collections.abc import Sequence
from hashlib import sha256

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.full import train_all
from orchestrator.selection.policies.policy import Policy
from orchestrator.selection.result import Candidate, CurveSource, Selection


def train_some(candidates: Sequence[Candidate], source: CurveSource, config: SelectionConfig) -> Selection:
    """Train as many as the budget pays for, at least `min_keep`."""
    assert config.budget is not None, "the policy has a budget of its own"
    affordable = int(config.budget) // (config.steps[-1] * config.repeats_at(len(config.steps) - 1))
    chosen = _shuffled(candidates)[: max(affordable, config.min_keep)]
    least = len(chosen) * config.steps[-1]
    return train_all(chosen, source, config.model_copy(update={"budget": max(int(config.budget), least)}))


def _shuffled(candidates: Sequence[Candidate]) -> list[Candidate]:
    """An order that depends on who is there and on their seeds alone, so that a selection can be resumed."""
    everyone = repr(sorted((each.genotype, each.seeds) for each in candidates))

    def key(each: Candidate) -> str:
        return sha256(f"{everyone} {each.genotype}".encode()).hexdigest()

    return sorted(candidates, key=key)


RANDOM = Policy(train_some, rungs=(1.0,), budget=0.25)
