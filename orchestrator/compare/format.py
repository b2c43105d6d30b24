"""Formatting the numbers and conditions of a comparison."""

from orchestrator.artifacts.published import scores
from orchestrator.compare.candidate import Candidate
from orchestrator.compare.groups import Group
from search_space.zoo.results import PublishedResult


def title_of(group: Group) -> str:
    """One line of metric, its direction, data set, length of training and what made the scores."""
    better = "lower" if group.lower_is_better else "higher"
    conditions = [
        f"{name} {group.protocol[name]}" for name in ("extractor", "samples") if name in group.protocol
    ]
    trained = [] if group.steps is None else [f"after {group.steps} steps"]
    return f"{group.metric} ({better} is better) on {group.data}" + "".join(
        f", {each}" for each in (*trained, *conditions)
    )


def scale_in_words(group: Group) -> str:
    """One line on the spread of repeated trainings, and the protocol."""
    protocol = ", ".join(f"{name} {value}" for name, value in group.protocol.items()) or "unknown"
    noise = group.noise
    spread = (
        f"Deviation over seeds {noise.deviation:.2g}, pooled over {noise.candidates} with repeats. "
        if noise.deviation is not None
        else ""
    )
    order = "The order is by scores where training ended (last); best ones are chosen by the score itself."
    return f"{spread}{order} Protocol: {protocol}"


def published_in_words(result: PublishedResult) -> str:
    """A published result in one line."""
    return f"{result.dataset} {scores(result).strip()} ({result.method} {result.year}; {result.protocol})"


def count(number: int) -> str:
    """Three digits and a unit."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)


def hours(each: Candidate) -> str:
    """The hours of training and of the search before it, as text."""
    training, searching = each.hours(), each.search_hours()
    if training is None:
        return "-"
    device = each.trainings[0].device.upper()
    return f"{training:.2g} {device}" + ("" if searching is None else f" + {searching:.2g} search")
