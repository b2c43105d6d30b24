"""Candidates from MLflow: retrainings and selections by run, by name or by experiment."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.artifacts.generators import GENERATOR_FILE
from orchestrator.artifacts.resolve import FILES
from orchestrator.compare import from_selection, from_trainings
from orchestrator.compare.candidate import Candidate, Training
from orchestrator.config.files import read_source
from orchestrator.config.renamed import modern_recipe
from orchestrator.tracking.artifacts import RUN, fetch
from orchestrator.tracking.run import ERROR_TAG
from orchestrator.tracking.store import SQLITE, explained
from orchestrator.tracking.tracker import ID_TAG, PARENT_TAG, STAGE_TAG
from orchestrator.trainings.record import TRAININGS_FILE
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.specs import score_names

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.store.entities import PagedList

T = TypeVar("T")
SCORE_TAG = "advnas.score."
FREE = {"genotype", "evaluation", "report_every"}
"""Settings of a retraining that are no part of its recipe."""
CONFIG = "config.yaml"
OF_MANY = {
    "select": ("selection.json", from_selection.candidates_of),
    "zoo": (TRAININGS_FILE, from_trainings.candidates_of),
}
"""Stages of many trainings -> the artifact that has them all, and what reads it."""
STAGES = ("retrain", *OF_MANY)
RUN_NAME = r"[A-Za-z0-9._/-]+"
"""The names of runs and their stages; anything else would be MLflow's syntax."""
PAGE = 1000
"""Runs that the store is asked for at once; there may be many pages."""


class Store:
    """The MLflow store of a folder of runs, or a server; opened when first asked."""

    def __init__(self, uri: str, root: Path) -> None:
        self._uri, self._root = uri, root
        self._opened: MlflowClient | None = None

    def candidates(self, name: str) -> Iterator[Candidate]:
        """The candidates of runs:/ID, of a run's name or of an experiment's name; none if it does not
        exist."""
        for run in self._runs(name):
            try:
                yield from self._candidates(run)
            except (KeyError, ValueError) as error:
                raise UserError(f"{name}: run {run.info.run_name} cannot be read: {error}") from error

    def _runs(self, name: str) -> "list[Run]":
        with explained(self._uri):
            client = self._client()
            if name.startswith(RUN):
                return self._with_children(client, name)
            if experiment := client.get_experiment_by_name(name):
                return self._search(client, [experiment.experiment_id])
            if not re.fullmatch(RUN_NAME, name):
                return []
            every = self._experiments()
            own = self._search(client, every, f"tags.`{ID_TAG}` = '{name}'")
            parts = self._search(client, every, f"tags.`{ID_TAG}` LIKE '{name}/%'")  # where _ is any letter
        return [run for run in (*own, *parts) if _belongs(run.data.tags.get(ID_TAG, ""), name)]

    def _search(self, client: "MlflowClient", experiments: list[str], where: str = "") -> "list[Run]":
        """Runs that can be compared; the store chooses, as there may be tens of thousands."""
        conditions = [
            f"tags.`{STAGE_TAG}` = '{stage}'" + (f" and {where}" if where else "") for stage in STAGES
        ]
        pages = [partial(client.search_runs, experiments, each, max_results=PAGE) for each in conditions]
        found = [run for page in pages for run in every_page(page)]
        return sorted(found, key=lambda run: run.info.start_time)

    def _with_children(self, client: "MlflowClient", address: str) -> "list[Run]":
        run = client.get_run(address.removeprefix(RUN).rstrip("/"))
        if run.data.tags.get(STAGE_TAG) in STAGES:
            return [run]
        return self._search(client, [run.info.experiment_id], f"tags.`{PARENT_TAG}` = '{run.info.run_id}'")

    def _experiments(self) -> list[str]:
        pages = partial(self._client().search_experiments, max_results=PAGE)
        return [each.experiment_id for each in every_page(pages)]

    def _client(self) -> "MlflowClient":
        if self._opened is None:
            from mlflow import MlflowClient

            database = Path(self._uri.removeprefix(SQLITE))
            if self._uri.startswith(SQLITE) and not database.is_file():
                raise UserError(f"--root {self._root}: no runs here ({database} is missing)")
            self._opened = MlflowClient(self._uri)
        return self._opened

    def _candidates(self, run: "Run") -> Iterator[Candidate]:
        wanted = (CONFIG, FILES["generator"], GENERATOR_FILE, *(name for name, _ in OF_MANY.values()))
        files = fetch(f"{RUN}{run.info.run_id}", wanted, self._uri, self._root / "cache")
        config = read_source(str(files[CONFIG]))
        width = GeneratorConfig(**config["retrain"]["generator"])
        protocol = _protocol(run)
        metrics = tuple(score_names(EvaluationConfig(**config["retrain"]["evaluation"])))
        if (stage := run.data.tags[STAGE_TAG]) in OF_MANY:
            name, candidates_of = OF_MANY[stage]
            if name in files:
                folder = self._root / run.data.tags[ID_TAG] / stage
                yield from candidates_of(files[name], _name(run), width, protocol, recipe_of(config), folder)
        elif FILES["generator"] in files:
            genotype = Genotype.load(files[FILES["generator"]])
            training = self._training(run, config, metrics, genotype, files.get(GENERATOR_FILE))
            yield Candidate(
                _name(run), genotype, width, config["data"]["name"], metrics, protocol,
                recipe_of(config), (training,),
            )  # fmt: skip

    def _training(
        self,
        run: "Run",
        config: Mapping[str, Any],
        metrics: tuple[str, ...],
        genotype: Genotype,
        file: Path | None,
    ) -> Training:
        curves = {name: self._curve(run, name) for name in (*metrics, "images_per_second")}
        retrain = config["retrain"]
        reached = int(run.data.metrics.get("step", 0))
        is_whole = reached >= retrain["steps"]
        error = run.data.tags.get(ERROR_TAG) or f"stopped at step {reached} of {retrain['steps']}"
        return Training(
            name=run.info.run_id,
            run=_name(run),
            seed=config["seed"],
            scores={name: points[-1][1] for name, points in curves.items() if name in metrics and points}
            if is_whole
            else {},
            curves={name: points for name, points in curves.items() if name in metrics},
            hours=_hours(curves["images_per_second"], retrain["batch_size"], run),
            search_hours=self._search_hours(genotype),
            device=run.data.tags.get("advnas.device", "cpu"),
            generator=file,
            diverged="" if is_whole else error,
        )

    def _curve(self, run: "Run", name: str) -> list[tuple[int, float]]:
        history = self._client().get_metric_history(run.info.run_id, name)
        return sorted({point.step: point.value for point in history}.items())

    def _search_hours(self, genotype: Genotype) -> float | None:
        """The hours of the search that the genotype's provenance names."""
        origin = genotype.provenance and genotype.provenance.run
        if not origin:
            return None
        wanted = f"tags.`{ID_TAG}` = '{origin}' and tags.`{STAGE_TAG}` = 'search'"
        found = self._client().search_runs(self._experiments(), wanted, max_results=1)
        if not found:
            return None
        batch = int(found[0].data.params["search.batch_size"])
        return _hours(self._curve(found[0], "images_per_second"), batch, found[0])


def every_page(page: "Callable[..., PagedList[T]]") -> Iterator[T]:
    """All results of a search in MLflow, from all of its pages."""
    token = None
    while True:
        found = page(page_token=token)
        yield from found
        token = found.token
        if not token:
            return


def recipe_of(config: Mapping[str, Any], steps: int | None = None) -> dict[str, str]:
    """The settings of a retraining besides architecture and seed, by dotted name."""
    from orchestrator.config.identity import flatten

    retrain = {name: value for name, value in config["retrain"].items() if name not in FREE}
    data = {name: config["data"].get(name) for name in ("name", "image_size", "channels")}
    return modern_recipe(flatten({"retrain": retrain | ({"steps": steps} if steps else {}), "data": data}))


def _protocol(run: "Run") -> dict[str, str]:
    tags = run.data.tags.items()
    return {name.removeprefix(SCORE_TAG): value for name, value in tags if name.startswith(SCORE_TAG)}


def _belongs(id: str, name: str) -> bool:
    """Whether a run is that of the name, or a stage of it."""
    return id == name or id.startswith(f"{name}/")


def _name(run: "Run") -> str:
    return str(run.data.tags[ID_TAG]).split("/")[0]


def _hours(speed: list[tuple[int, float]], batch: int, run: "Run") -> float | None:
    """The hours of training on all devices, from the images per second of every report."""
    if not speed:
        return None
    steps = [0, *(step for step, _ in speed)]
    seconds = sum(
        (step - before) * batch / pace for (step, pace), before in zip(speed, steps, strict=False) if pace
    )
    return seconds / 3600 * max(int(run.data.tags.get("advnas.workers", 0)), 1)
