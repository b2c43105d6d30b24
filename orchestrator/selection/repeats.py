"""Further runs for candidates within noise of a cut, as far as the limits allow."""

from dataclasses import dataclass

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.comparison import Comparison
from orchestrator.selection.contest import contested, doubtful, noise_of
from orchestrator.selection.cost import steps_ahead
from orchestrator.selection.source import CurveSource, Request


@dataclass(frozen=True)
class Repeats:
    """What repeating came to."""

    added: int
    note: str


def repeat_within_noise(
    comparison: Comparison, rung: int, spent: int, source: CurveSource, config: SelectionConfig
) -> Repeats:
    """Train the contested once more, all of them together, until they are told apart or a limit is met.

    `spent` are the steps of the rungs before, `rung` is counted from 0.
    """
    places = 1 if config.is_last(rung) else config.keeps(rung, len(comparison.entrants))
    most = config.most_repeats_at(rung)
    added, over_budget = 0, False
    while True:
        tallies = comparison.tallies()
        near = contested(tallies, places, config)
        # Each once, though a winner with one score may be both contested and doubtful.
        again = {tally.candidate.genotype: tally.runs for tally in near + doubtful(tallies, places, most)}
        wanted = [
            request
            for genotype, runs in again.items()
            if runs < most and (request := comparison.one_more(genotype))
        ]
        requests = _affordable(wanted, comparison, rung, spent, config)
        over_budget |= len(requests) < len(wanted)
        if not requests:
            return Repeats(added, _note(len(near), bool(noise_of(tallies).degrees), over_budget))
        comparison.train(requests, source)
        added += len(requests)


def _affordable(
    wanted: list[Request], comparison: Comparison, rung: int, spent: int, config: SelectionConfig
) -> list[Request]:
    """As many of the first as leave the budget enough for the rungs to come."""
    if config.budget is None:
        return wanted
    runs = {tally.candidate.genotype: tally.runs for tally in comparison.tallies()}
    standing = config.keeps(rung, len(runs))
    spent += comparison.steps_trained
    for count, request in enumerate(wanted):
        spent += comparison.cost([request])
        runs[request.genotype] += 1
        if spent + steps_ahead(config, rung + 1, standing, list(runs.values())) > config.budget:
            return wanted[:count]
    return wanted


def _note(contested: int, noise_is_known: bool, over_budget: bool) -> str:
    notes = []
    if contested and noise_is_known:
        notes.append(f"candidates still within noise of the cut: {contested:,}")
    elif contested:
        notes.append("one run each, so the noise is unknown")
    if over_budget:
        notes.append("the budget allows no further runs")
    return "; ".join(notes)
