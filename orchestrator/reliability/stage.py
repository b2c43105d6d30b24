"""`advnas reliability`: trains random genotypes with several seeds and measures what the recipe can show."""

from orchestrator.checkpoints.claim import sole_owner
from orchestrator.cluster.launch import launch
from orchestrator.config.experiment import Experiment
from orchestrator.config.reliability import ReliabilityConfig
from orchestrator.console.console import Console
from orchestrator.jobs.job import Launch
from orchestrator.reliability.advice import advice
from orchestrator.reliability.plan import Plan, reliability_config
from orchestrator.reliability.render import render
from orchestrator.reliability.results import summary, write_files
from orchestrator.stages.preview import preview
from orchestrator.stages.results import MeasuredReliability, RunIdentity, write_result
from orchestrator.stages.session import Session, run_identity, tracked
from orchestrator.trainings.runs import RunJournal, curves_of
from orchestrator.trainings.train import open_journal, train_missing, trainings
from orchestrator.yardstick.known import STAGE
from orchestrator.yardstick.measured import measure
from trainers.metrics.specs import lower_is_better


def reliability(experiment: Experiment, console: Console) -> MeasuredReliability:
    """Measure how far the recipe of `retrain` tells genotypes apart."""
    config = reliability_config(experiment)
    session = Session.begin(experiment, console)
    preview(session.experiment, session.folder, console, "retrain")
    return reliability_in(session, config)


def reliability_in(
    session: Session, config: ReliabilityConfig, launch: Launch = launch
) -> MeasuredReliability:
    """The measurement of a session; one that was interrupted goes on with the trainings it has.

    More genotypes or seeds extend one that has ended.

    Raises:
        ReliabilityError: too few genotypes came to scores.
        UserError: trainings are there already that were made with another recipe.
    """
    plan = Plan(session.experiment, config, session.folder / STAGE)
    with (
        sole_owner(session.experiment, plan.folder),
        trainings(session, STAGE, config.concurrent, launch) as train,
        tracked(session, STAGE, config.model_dump(mode="json")) as run,
    ):
        journal = open_journal(plan.grid, plan.recipe)
        train_missing(plan.grid, journal, train, session.console, config.metric)
        result = _conclude(plan, journal, run_identity(session, run), session.console)
        for file in (result.scores, result.figures, result.drawing):
            run.artifact(file.name, file.read_bytes())
        run.scores(result.metrics, journal.protocol)
        run.tag({"advnas.reliability": result.sentence})
        write_result(plan.folder, result)
        run.artifact("result.json", (plan.folder / "result.json").read_bytes())
    return result


def _conclude(plan: Plan, journal: RunJournal, run: RunIdentity, console: Console) -> MeasuredReliability:
    """What the trainings come to: shown, and left as files."""
    config = plan.config
    curves = curves_of(journal.known, list(plan.genotypes), plan.seeds, plan.steps, config.metric)
    lower = lower_is_better(config.metric)
    measured = measure(curves, plan.steps, config.metric, lower, config.collapse_multiple)
    changes = advice(measured, plan.experiment.retrain)
    console.show(render(measured, changes))
    files = write_files(plan, journal.known, measured, curves)
    return MeasuredReliability(run, summary(measured), measured.sentence, tuple(changes), **files)
