"""A sweep's trials on Ray Tune: it decides when and where, the study what.

Tune's own record of the experiment is thrown away: what a trial has come to stands in the study and in the
runs' folders, so a driver that was killed loses nothing that Tune had not written down yet.
"""

import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.cluster.machines import Room, asking_for
from orchestrator.cluster.session import concurrent_trials, ray_cluster, this_machine, trial_resources
from orchestrator.cluster.shared_root import NotShared, mark_of
from orchestrator.sweep.config import Sweep
from orchestrator.sweep.halving import Halving
from orchestrator.sweep.searcher import StudySearch
from orchestrator.sweep.study import PARAMS
from orchestrator.sweep.trial import ENDS, Send, Trial
from orchestrator.sweep.validation import evaluations
from trainers.interruption import raise_if_interrupted

SETTINGS = {
    # The study, the runs' folders and MLflow have it all.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # A message that a trial failed has no metric.
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    # Ctrl-C ends the sweep as it ends a run: what is under way goes on at the next start.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "RAY_AIR_NEW_OUTPUT": "0",
}
"""Environment of Ray Tune."""

SCRATCH = ".tune"
"""Tune's experiment, in the sweep's folder while the sweep runs."""

Work = Callable[[Trial, Send], None]
"""Does a trial: `run_trial`, or a stand-in for it."""


def require_room_here(sweep: Sweep) -> None:
    """Refuse what this machine cannot hold, before anything is written; a cluster is asked once it is joined.

    Raises:
        ClusterError: not even one trial fits.
    """
    import ray

    if sweep.base.cluster.address == "local" and not ray.is_initialized():
        concurrent_trials(sweep.base.cluster, sweep.config.resources.concurrent, [this_machine()])


def tune(sweep: Sweep, search: StudySearch, folder: Path, work: Work) -> None:
    """Do all remaining trials, as many at once as fit.

    Raises:
        ClusterError: not even one trial fits.
    """
    os.environ.update(SETTINGS)
    # Their warnings are of result files, which nobody writes.
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    from ray.tune import FailureConfig, RunConfig, TuneConfig, Tuner, with_resources

    cluster = sweep.base.cluster
    at_most, remaining = sweep.config.resources.concurrent, search.remaining()
    with ray_cluster(cluster, folder.name), asking_for(cluster, min(remaining, at_most or remaining)):
        search.room = Room(cluster, at_most, "sweep")
        scratch = folder / SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)
        hours = sweep.config.budget.hours
        tuner = Tuner(
            with_resources(_trainable(sweep, folder, work), trial_resources(cluster)),
            tune_config=TuneConfig(
                search_alg=search,
                scheduler=_scheduler(sweep, search),
                num_samples=search.remaining(),
                time_budget_s=hours * 3600 if hours else None,
                # A new process costs seconds of imports.
                reuse_actors=True,
            ),
            run_config=RunConfig(
                name=SCRATCH,
                storage_path=str(folder),
                verbose=0,
                stop=_enough_failures(sweep, search),
                # Of a trial whose process or machine has died; errors are messages, see `run_trial`.
                failure_config=FailureConfig(max_failures=cluster.max_failures),
            ),
        )
        try:
            tuner.fit()
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _trainable(sweep: Sweep, folder: Path, work: Work) -> Callable[[Mapping[str, Any]], None]:
    """What Tune calls in a trial's process."""

    mark = mark_of(sweep.base, folder)

    def trial(config: Mapping[str, Any]) -> None:
        from ray import tune

        try:
            if mark:
                mark.require_seen()
        except NotShared as error:
            tune.report({ENDS: str(error)})
            return
        work(Trial(sweep, folder, config[PARAMS]), lambda message: tune.report(dict(message)))

    return trial


def _scheduler(sweep: Sweep, search: StudySearch) -> Any:
    """ASHA, which knows what earlier drivers have seen; or nobody is stopped."""
    asha = sweep.config.asha
    if asha is None:
        return None
    total = evaluations(sweep.base.retrain) * sweep.config.seeds
    halving = Halving(asha, sweep.single, total, search.stopped_early)
    for number, intermediate in search.history():
        halving.remember(f"earlier-{number}", intermediate)
    search.resumed = halving.remember
    return halving


def _enough_failures(sweep: Sweep, search: StudySearch) -> Any:
    from ray.tune import Stopper

    class EnoughFailures(Stopper):
        """Ends the sweep when more trials have failed than it may go on with, or none can go on."""

        def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:  # noqa: ARG002
            return False

        def stop_all(self) -> bool:
            raise_if_interrupted()  # Tune asks several times a second
            return bool(search.stopped_by) or search.failed > sweep.config.max_failures

    return EnoughFailures()
