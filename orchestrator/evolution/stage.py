"""`advnas evolve`: supernets or short trainings, evolution by their scores, the best for a selection."""

from collections.abc import Sequence

from orchestrator.checkpoints.claim import sole_owner
from orchestrator.checkpoints.derivations import record_derivation
from orchestrator.checkpoints.stored_folder import copy_of
from orchestrator.cluster.launch import launch
from orchestrator.config.experiment import Experiment
from orchestrator.config.identity import IDENTITY_FILE
from orchestrator.console.console import Console
from orchestrator.evolution import fitness as ways
from orchestrator.evolution.plan import STAGE, EvolutionPlan, require_sound
from orchestrator.evolution.progress import SCORED_FILE, Board, ScoredJournal, evolve, metrics_of
from orchestrator.evolution.results import best_of, write_files
from orchestrator.jobs.job import Launch
from orchestrator.selection.journal import require_same_identity
from orchestrator.selection.live import Train
from orchestrator.stages.preview import preview
from orchestrator.stages.results import Evolved, RunIdentity, write_result
from orchestrator.stages.session import Session, run_identity, tracked
from orchestrator.stages.train import write_genotypes
from orchestrator.stages.trust import Trusted, trusted
from orchestrator.tracking import TrackedRun
from orchestrator.trainings.train import trainings
from search_space.errors import UserError
from search_space.evolution.evolution import Evolution
from search_space.genotype import Genotype
from trainers.report import Report


def evolve_genotypes(experiment: Experiment, console: Console) -> Evolved:
    """Breed generators by their scores."""
    require_sound(experiment)
    session = Session.begin(experiment, console)
    stage = "retrain" if experiment.evolve.fitness == "training" else "search"
    preview(session.experiment, session.folder, console, stage)
    return evolve_in(session)


def evolve_in(session: Session, launch: Launch = launch) -> Evolved:
    """The evolution of a session; one that was interrupted goes on with the scores it has.

    More children extend one that has ended.

    Raises:
        UserError: nobody has a score; candidates are there that were scored otherwise.
    """
    plan = EvolutionPlan(session.experiment, session.folder / STAGE)
    config, console = plan.config, session.console
    with (
        sole_owner(plan.experiment, plan.folder),
        trainings(session, STAGE, config.concurrent, launch) as train,
        tracked(session, STAGE, config.model_dump(mode="json")) as run,
    ):
        journal = _open_journal(plan)
        fitness = _fitness(plan, train, console)
        evolution = plan.evolution()
        board = Board(evolution, plan.judge, console)
        with console.live(board):
            evolve(evolution, config.together, fitness, journal, board, run.report)
        chosen = best_of(evolution, plan)
        if not chosen:
            raise UserError(
                f"{STAGE}: none of {len(evolution.scored)} candidates makes finite images and has a score; "
                f"lower the learning rates of {'retrain' if plan.trains else 'search'}"
            )
        console.show(board.table())
        trust = None if plan.trains else trusted(plan.experiment, plan.folder, fitness, run, console)
        return _concluded(plan, evolution, chosen, trust, run, run_identity(session, run))


def _fitness(plan: EvolutionPlan, train: Train, console: Console) -> ways.Fitness:
    if plan.trains:
        return ways.by_training(plan, train)
    work = ways.work_of(plan, ways.supernets(plan, train, console))
    return ways.here(work) if plan.config.concurrent == 1 else ways.on_ray(work, plan.config.concurrent)


def _open_journal(plan: EvolutionPlan) -> ScoredJournal:
    """The scores so far, those of the folder's copy where it is new here."""
    copy = copy_of(plan.experiment, plan.folder)
    if copy:
        copy.fetch_files(SCORED_FILE, IDENTITY_FILE)
    require_same_identity(plan.folder, plan.identity, "evolution", plan.experiment.compute.precision)
    send = (lambda: copy.send_files(SCORED_FILE, IDENTITY_FILE)) if copy else (lambda: None)
    return ScoredJournal(plan.folder / SCORED_FILE, send)


def _concluded(
    plan: EvolutionPlan,
    evolution: Evolution,
    chosen: Sequence[Genotype],
    trust: Trusted | None,
    run: TrackedRun,
    identity: RunIdentity,
) -> Evolved:
    """Leave files, and genotypes as a search leaves them, so that selections and retrainings find them."""
    metrics = metrics_of(evolution, plan.judge)
    files = write_files(plan, evolution, chosen)
    genotypes = {"generator": chosen[0]}
    record_derivation(plan.folder, Report(len(evolution.scored), metrics, genotypes, others=chosen[1:]))
    run.genotypes(genotypes)
    run.scores(metrics, {})
    run.files({file.name: file.read_bytes() for file in files.values()})
    result = Evolved(
        identity,
        metrics=metrics,
        genotypes=write_genotypes(plan.folder, genotypes),
        others=len(chosen) - 1,
        trust=trust.sentence if trust else None,
        folder=plan.folder,
        **files,
    )
    write_result(plan.folder, result)
    run.artifact("result.json", (plan.folder / "result.json").read_bytes())
    return result
