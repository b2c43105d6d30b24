"""Between Ray Tune, which places trials, and the Optuna study, which is the truth about them.

Tune's own OptunaSearch keeps its trials in memory, and tells Optuna that a trial which the scheduler stopped
is COMPLETE, with whatever value it had: TPE then takes a score after a fraction of the training for that of
the whole. Here it is PRUNED, with its intermediate values.

Optuna has no public way to open a running trial again, nor to read one without all others: `_storage` and
`_trial_id` are private, used in this file alone, and `tests/contracts/test_private_parts.py` watches them.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings

from ray.tune.search import Searcher

from orchestrator.sweep.config import Sweep
from orchestrator.sweep.results import Row
from orchestrator.sweep.samplers import make_sampler
from orchestrator.sweep.space import modern_params, suggest
from orchestrator.sweep.study import (
    PARAMS,
    REASON,
    SCORES,
    begun,
    failures,
    in_flight,
    points_left,
    waiting,
)
from orchestrator.sweep.trial import DONE, ENDS, EVALUATIONS, FAILED

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

DIED = "its process died, again and again: out of memory, or killed"

Listener = Callable[[Row], None]
"""Is called in the driver's main thread whenever a trial has changed."""


class StudySearch(Searcher):
    """Hands out trials that an earlier driver left first, then new ones up to the budget."""

    def __init__(self, sweep: Sweep, study: "Study", listeners: Sequence[Listener] = ()) -> None:
        super().__init__()
        self._sweep, self._study, self._listeners = sweep, study, listeners
        self._metrics = [objective.metric for objective in sweep.config.objective]
        self._left: list[FrozenTrial] = in_flight(study)
        self._begun = len(begun(study))
        self._points, self._waiting = deque(points_left(sweep, study)), waiting(study)
        self._trials: dict[str, Trial] = {}
        self._stopped_early: set[str] = set()
        self.resumed: Callable[[str, Mapping[int, float]], None] = lambda *_: None
        """Learn which trial resumes, with its intermediate values."""
        self.failed = len(failures(study))
        self.room: Callable[[], int] = lambda: sys.maxsize
        """How many trials may run at once now."""
        self.stopped_by = ""
        """Why no trial can go on, whatever its configuration; empty while they can."""

    def remaining(self) -> int:
        """Trials that this driver has to do."""
        return len(self._left) + max(self._sweep.config.budget.trials - self._begun, 0)

    def suggest(self, trial_id: str) -> Any:
        """The next configuration; None: none now, as there is no room for it; or that there is none."""
        if len(self._trials) >= self.room():
            return None
        if self._left:
            left = self._left.pop(0)
            self._draw_for(left.number)
            trial, known = _reopened(self._study, left), left.user_attrs.get(PARAMS)
            self.resumed(trial_id, left.intermediate_values)
        elif self._begun < self._sweep.config.budget.trials and self._has_more():
            self._draw_for(self._begun)
            self._begun += 1
            trial, known = self._asked(), None
        else:
            return Searcher.FINISHED
        params = known and modern_params(known)
        if params is None:  # new, or the driver died while it was drawn
            params = suggest(self._sweep.config.space, trial)
            trial.set_user_attr(PARAMS, params)
        self._trials[trial_id] = trial
        self._tell_listeners(trial)
        return {PARAMS: params}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """An intermediate value."""
        self._report(self._trials[trial_id], result)
        self._tell_listeners(self._trials[trial_id])

    def stopped_early(self, trial_id: str) -> None:
        """The scheduler is about to end this trial."""
        self._stopped_early.add(trial_id)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tell the study how it ended. A trial that only this driver ends stays under way, for the next."""
        from optuna.trial import TrialState

        trial, result = self._trials.pop(trial_id), result or {}
        if ENDS in result:  # nobody's fault: the next driver goes on with it
            self.stopped_by = str(result[ENDS])
        elif error or FAILED in result:
            self.failed += 1
            trial.set_user_attr(REASON, result.get(FAILED, DIED))
            self._study.tell(trial, state=TrialState.FAIL)
        elif DONE in result:
            trial.set_user_attr(SCORES, result[DONE])
            self._study.tell(trial, [result[metric] for metric in self._metrics])
        elif trial_id in self._stopped_early:
            # The message at which it was stopped has not been seen yet.
            self._report(trial, result)
            self._study.tell(trial, state=TrialState.PRUNED)
        self._tell_listeners(trial)

    def history(self) -> Iterator[tuple[int, Mapping[int, float]]]:
        """Number and intermediate values of the trials that have ended."""
        for trial in begun(self._study):
            if trial.state.is_finished():
                yield trial.number, trial.intermediate_values

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune writes copies that nobody reads, as the study is on disk already."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing, for the same reason."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing: a sweep resumes from its study."""

    def _draw_for(self, number: int) -> None:
        """From here on, random numbers are those of that trial; the points of a grid are not drawn."""
        with catch_warnings(action="ignore"):  # of options that Optuna calls experimental
            self._study.sampler = make_sampler(self._sweep.config.sampler, number)

    def _has_more(self) -> bool:
        return bool(self._sweep.config.sampler.name != "grid" or self._waiting or self._points)

    def _asked(self) -> "Trial":
        if self._waiting:
            self._waiting -= 1
        elif self._points:
            self._study.enqueue_trial(self._points.popleft())
        return self._study.ask()

    def _report(self, trial: "Trial", result: Mapping[str, Any]) -> None:
        """Once for each number of evaluations: a trial that goes on repeats some."""
        if EVALUATIONS not in result or DONE in result or len(self._metrics) > 1:
            return
        number = result[EVALUATIONS]
        if number not in _frozen(trial).intermediate_values:
            trial.report(result[self._metrics[0]], number)

    def _tell_listeners(self, trial: "Trial") -> None:
        if self._listeners:
            row = Row.of(_frozen(trial))
            for listener in self._listeners:
                listener(row)


def _reopened(study: "Study", left: "FrozenTrial") -> "Trial":
    from optuna.trial import Trial

    return Trial(study, left._trial_id)


def _frozen(trial: "Trial") -> "FrozenTrial":
    """The trial as it stands in the storage; `trial.study.trials` would fetch all of them."""
    return trial.study._storage.get_trial(trial._trial_id)
