"""`advnas zoo retrain`: trains published generators under one recipe with the same seeds, and compares
them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.artifacts.generators import GENERATOR_FILE
from orchestrator.checkpoints.claim import sole_owner
from orchestrator.cluster.launch import launch
from orchestrator.compare.candidate import Candidate
from orchestrator.compare.export import rows_of, write_rows
from orchestrator.compare.from_mlflow import recipe_of
from orchestrator.compare.from_trainings import candidates_of
from orchestrator.compare.groups import Group, groups_of, verdict
from orchestrator.compare.terminal import tables
from orchestrator.config.experiment import Experiment
from orchestrator.console.console import Console
from orchestrator.jobs.job import Job, Launch
from orchestrator.stages.preview import preview
from orchestrator.stages.results import RetrainedZoo, write_result
from orchestrator.stages.session import Session, run_identity, tracked
from orchestrator.trainings.grid import Grid
from orchestrator.trainings.record import Record, recorded
from orchestrator.trainings.runs import RunJournal
from orchestrator.trainings.train import open_journal, train_missing, trainings
from orchestrator.zoo.choice import ZooPlan, zoo_plan
from search_space.networks.generator_file import save_generator
from trainers.files import written_whole
from trainers.metrics.specs import score_names

STAGE = "zoo"


def retrain_zoo(
    experiment: Experiment, console: Console, names: Sequence[str] | None, seeds: int, concurrent: int | None
) -> RetrainedZoo:
    """Train these published generators, or for None all that fit, and compare them.

    Raises:
        UserError: see `zoo_plan`.
    """
    plan = zoo_plan(experiment, names, seeds, concurrent)
    session = Session.begin(experiment, console)
    preview(session.experiment, session.folder, console, "retrain")
    return retrain_zoo_in(session, plan)


def retrain_zoo_in(session: Session, plan: ZooPlan, launch: Launch = launch) -> RetrainedZoo:
    """The trainings of a session; interrupted ones go on, and more names or seeds extend those that ended.

    Raises:
        UserError: trainings are there already that were made with another recipe.
    """
    for name, reason in plan.left_out.items():
        session.console.say(f"{STAGE}: {name} is left out: {reason}")
    folder = session.folder / STAGE
    grid = Grid(STAGE, session.experiment, plan.networks, plan.seeds, folder, plan.opponent)
    names = [name for name, _ in plan.networks.values()]
    with (
        sole_owner(session.experiment, folder),
        trainings(session, STAGE, plan.concurrent, launch) as train,
        tracked(session, STAGE, {"networks": names, "seeds": len(plan.seeds)}) as run,
    ):
        journal = open_journal(grid, grid.recipe)
        metrics = _metrics(session.experiment)
        train_missing(grid, journal, train, session.console, metrics[0], _keep_generator)
        file = _record(grid, journal, metrics).write(folder)
        everyone = _candidates(session, file, journal.protocol)
        groups = groups_of(everyone, [session.name])
        for table in tables(groups, everyone):
            session.console.show(table)
        files = {"trainings": file, **_write_comparison(folder, groups, everyone)}
        scores = _scores(groups)
        for file in files.values():
            run.artifact(file.name, file.read_bytes())
        run.scores(scores, journal.protocol)
        sentences = tuple(line for group in groups for line in verdict(group))
        run.tag({"advnas.verdict": " ".join(sentences)})
        result = RetrainedZoo(run_identity(session, run), scores, sentences, plan.left_out, **files)
        write_result(folder, result)
        run.artifact("result.json", (folder / "result.json").read_bytes())
    return result


def _metrics(experiment: Experiment) -> tuple[str, ...]:
    return tuple(score_names(experiment.retrain.evaluation))


def _keep_generator(job: Job) -> None:
    """Leave the averaged generator of a finished training, as of its end, for images and later scores."""
    checkpoint = job.checkpoints.latest()
    if checkpoint is None:
        return
    width = job.experiment.retrain.generator
    with written_whole(job.folder / GENERATOR_FILE) as whole:
        save_generator(whole, width, job.genotypes["generator"], checkpoint.state()["ema_generator"])


def _record(grid: Grid, journal: RunJournal, metrics: tuple[str, ...]) -> Record:
    """The record of the requested networks and seeds; the journal may contain more."""
    return Record(
        steps=grid.experiment.retrain.steps,
        metrics=metrics,
        networks=tuple(
            recorded(named, [journal.known[id, seed] for seed in grid.seeds])
            for id, named in grid.genotypes.items()
        ),
        device="gpu" if grid.experiment.cluster.use_gpu else "cpu",
    )


def _candidates(session: Session, file: Path, protocol: Mapping[str, str]) -> list[Candidate]:
    """The candidates under their published names alone, as all are of one run."""
    experiment = session.experiment
    recipe = recipe_of(experiment.model_dump(mode="json"))
    found = candidates_of(file, session.name, experiment.retrain.generator, protocol, recipe, file.parent)
    return [replace(each, name=each.name.removeprefix(f"{session.name}: ")) for each in found]


def _write_comparison(
    folder: Path, groups: Sequence[Group], everyone: Sequence[Candidate]
) -> dict[str, Path]:
    """The page, its first figure as an image, and the rows."""
    from orchestrator.compare.charts import scores_png
    from orchestrator.compare.page import write_page

    files = {
        name: folder / f"comparison.{suffix}"
        for name, suffix in (("page", "html"), ("chart", "png"), ("rows", "parquet"))
    }
    write_page(files["page"], groups, everyone)
    files["chart"].write_bytes(scores_png(groups[0]))
    write_rows(files["rows"], rows_of(groups, everyone))
    return files


def _scores(groups: Sequence[Group]) -> dict[str, float]:
    """The metrics for MLflow: mean and deviation of every network."""
    scores: dict[str, float] = {}
    for group in groups:
        for row in group.rows:
            values = {"mean": row.mean, "deviation": row.deviation}
            scores |= {
                f"{group.metric}_{name}/{row.candidate.name}": value
                for name, value in values.items()
                if value is not None
            }
    return scores
