"""Groups of candidates that may be ranked together (same protocol, same length), and how certain a ranking
is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.compare.candidate import Candidate
from orchestrator.jobs.scores import Difference, Noise, deviation, difference, pooled, required
from orchestrator.selection.result import Candidate as Entry
from orchestrator.selection.result import Divergence
from orchestrator.selection.rung import CandidateScores, best_first
from orchestrator.yardstick.known import FinishedRun, KnownReliability, known_in_text
from trainers.metrics.specs import lower_is_better

SEPARATION = 2.0
"""Standard errors that tell two means apart, as in selection."""


@dataclass(frozen=True)
class Row:
    """A candidate in its place."""

    candidate: Candidate
    place: int
    """The place, from 1; candidates with a mean come first."""
    values: tuple[float, ...]
    diverged: int
    """Trainings without a score."""
    mean: float | None
    deviation: float | None
    """The deviation over trainings; None for fewer than two."""
    behind: Difference | None
    """The best one's lead over this one; None for the best one itself, and without a score."""

    @property
    def is_apart(self) -> bool:
        """Whether it is worse than the best beyond noise."""
        return self.behind is not None and self.behind.is_separated(SEPARATION)


@dataclass(frozen=True)
class Group:
    """Candidates whose scores mean the same, best first."""

    metric: str
    data: str
    steps: int | None
    """The number of steps of every training."""
    protocol: Mapping[str, str]
    rows: tuple[Row, ...]
    noise: Noise
    known: KnownReliability | None = None
    """The reliability of the recipe, if it was measured and all candidates with scores share it."""

    @property
    def lower_is_better(self) -> bool:
        """Whether a lower score of the deciding metric is better."""
        return lower_is_better(self.metric)

    def recipes(self) -> Mapping[str, Sequence[str]]:
        """Settings of the training in which the candidates differ -> their values in order of appearance."""
        names = {name for row in self.rows for name in row.candidate.recipe}
        values = {
            name: list(dict.fromkeys(row.candidate.recipe.get(name, "-") for row in self.rows))
            for name in sorted(names)
        }
        return {name: different for name, different in values.items() if len(different) > 1}


def groups_of(
    candidates: Sequence[Candidate], named: Sequence[str] = (), measured: Sequence[FinishedRun] = ()
) -> list[Group]:
    """Scored candidates by metric, protocol and length of training.

    Groups with a candidate whose run the user named come first, then the largest. `measured` are reliability
    runs that may say something of a group's recipe.
    """
    members: dict[str, list[Candidate]] = {}
    for each in candidates:
        if each.trainings and each.metrics:
            key = repr((each.metrics[0], each.data, each.steps, sorted(each.protocol.items())))
            members.setdefault(key, []).append(each)

    def order(group: Group) -> tuple[bool, int]:
        runs = {training.run for row in group.rows for training in row.candidate.trainings}
        # The name of a sweep's run begins with the name of the sweep.
        is_named = any(run == name or run.startswith(f"{name} ") for run in runs for name in named)
        return not is_named, -len(group.rows)

    groups = [replace(group, known=_known(group, measured)) for group in map(_group, members.values())]
    return sorted(groups, key=order)


def _known(group: Group, measured: Sequence[FinishedRun]) -> KnownReliability | None:
    recipes = [row.candidate.recipe for row in group.rows if row.mean is not None]
    found = [known_in_text(measured, group.metric, recipe, group.protocol) for recipe in recipes]
    return found[0] if found and found[0] and all(each == found[0] for each in found) else None


def is_settled(group: Group) -> bool:
    """Whether the best one is apart from all others."""
    return len(group.rows) > 1 and all(row.is_apart or row.mean is None for row in group.rows[1:])


def verdict(group: Group) -> Iterator[str]:
    """A sentence: which is best, by how much, and whether that is real."""
    scored = [row for row in group.rows if row.mean is not None]
    if not scored:
        yield "No answer: no training came to a score."
        return
    best, *others = scored
    which = f"Best of {len(group.rows)}" if len(group.rows) > 1 else "Alone in its group"
    yield f"{which}: {short(best.candidate.name)}, {group.metric} {mean_in_words(best)}."
    if others:
        yield _certainty(group.noise, others)
        if group.known:
            fewest = min(len(row.values) for row in scored)
            yield f"How much can be seen at all: {group.known.quoted(fewest)}."
    if lost := sum(row.diverged for row in group.rows):
        every = sum(len(row.candidate.trainings) for row in group.rows)
        yield f"{lost} of {every} trainings came to no score."
    if different := group.recipes():
        listed = "; ".join(f"{name} {', '.join(values)}" for name, values in list(different.items())[:4])
        more = f" and {len(different) - 4} more" if len(different) > 4 else ""
        yield f"Not the architecture alone: the recipes differ ({listed}{more})."


def short(name: str, length: int = 44) -> str:
    """A name, shortened for a sentence or a figure."""
    return name if len(name) <= length else f"{name[: length - 1]}…"


def mean_in_words(row: Row) -> str:
    """Mean, deviation and number of seeds."""
    if row.mean is None:
        return "no score"
    spread = "" if row.deviation is None else f" ± {row.deviation:.2g}"
    runs = len(row.values)
    return f"{row.mean:.4g}{spread} ({runs} {'run' if runs == 1 else 'runs'})"


def best_in_words(row: Row, metric: str) -> str:
    """Mean of the best scores on the way: chosen by the score itself, so they flatter."""
    values = row.candidate.best_values(metric)
    if not values:
        return "-"
    spread = deviation(values)
    return f"{sum(values) / len(values):.4g}" + ("" if spread is None else f" ± {spread:.2g}")


def lead_in_words(row: Row) -> str:
    """The lead of the best one over a row, in standard errors if the noise is known."""
    if row.behind is None:
        return "best" if row.mean is not None else ""
    errors = row.behind.standard_errors
    return f"{row.behind.size:.3g}" + ("" if errors is None else f" ({errors:.1f} standard errors)")


def _certainty(noise: Noise, others: Sequence[Row]) -> str:
    second = others[0]
    assert second.behind is not None, "it has a score and is not the best"
    lead = f"Ahead of {short(second.candidate.name)} by {lead_in_words(second)}"
    if not noise.degrees:
        return (
            f"{lead}. Whether that is real cannot be told: every architecture was trained once. "
            "Train them again with another --seed."
        )
    if second.is_apart:
        return f"{lead}: real, as {_needed(second)} would do."
    equal = [row for row in others if not row.is_apart]
    everyone = " (everyone here)" if len(equal) == len(others) else ""
    names = ", ".join(short(row.candidate.name) for row in equal[:4]) + (", ..." if len(equal) > 4 else "")
    return (
        f"{lead}: within noise, {_needed(second)} would be needed. It cannot be told from "
        f"{len(equal)} of {len(others)} others{everyone}: {names}."
    )


def _needed(row: Row) -> str:
    assert row.behind is not None
    return f"{required(SEPARATION, row.behind.degrees):.1f} standard errors"


def _group(candidates: Sequence[Candidate]) -> Group:
    first = candidates[0]
    metric = first.metrics[0]
    ranked = best_first(
        [_scored(str(i), each, metric) for i, each in enumerate(candidates)], lower_is_better(metric)
    )
    noise = pooled(scored.values for scored in ranked if scored.is_sound)
    best = ranked[0] if ranked[0].scores else None
    rows = tuple(
        _row(candidates[int(scored.candidate.genotype)], place, scored, best, noise, metric)
        for place, scored in enumerate(ranked, start=1)
    )
    return Group(metric, first.data, first.steps, first.protocol, rows, noise)


def _row(
    candidate: Candidate,
    place: int,
    scored: CandidateScores,
    best: CandidateScores | None,
    noise: Noise,
    metric: str,
) -> Row:
    behind = None
    if best and scored is not best and scored.scores:
        behind = difference(best.values, scored.values, noise, lower_is_better(metric))
    spread = deviation(scored.values)
    return Row(candidate, place, scored.values, len(scored.diverged), scored.mean, spread, behind)


def _scored(id: str, each: Candidate, metric: str) -> CandidateScores:
    numbered = dict(enumerate(each.trainings))
    scores = {
        number: training.scores[metric] for number, training in numbered.items() if metric in training.scores
    }
    lost = tuple(
        Divergence(seed=training.seed, step=0, score=None, reason=training.diverged)
        for number, training in numbered.items()
        if number not in scores
    )
    return CandidateScores(Entry(id, tuple(numbered), each.name), scores, lost)
