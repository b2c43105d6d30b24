"""Recorded scores as tables of pandas."""

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.config.experiment import database, default_tracking_uri
from orchestrator.console.console import quiet
from search_space.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def compare(*names: str | Path, root: str | Path = "runs", tracking_uri: str | None = None) -> "pd.DataFrame":
    """Compare runs and architectures, one row each: the table that `advnas compare --data` writes.

    Rows with the same number in `group` may be ranked together; `mean` and `deviation` are those of
    `metric` over the seeds.

    Args:
        names: Runs, sweeps, selections, an MLflow experiment, `runs:/ID`, genotype files and published names.
        root: The folder of runs.
        tracking_uri: The address of an MLflow server (default: the database in `root`).

    Raises:
        UserError: a name means nothing.
    """
    import pandas as pd

    from orchestrator.compare.export import rows_of
    from orchestrator.compare.groups import groups_of
    from orchestrator.compare.resolve import candidates
    from orchestrator.yardstick.known import finished_runs

    quiet()
    folder, wanted = Path(root).absolute(), [str(name) for name in names]
    everyone = candidates(wanted, folder, tracking_uri or default_tracking_uri(folder))
    groups = groups_of(everyone, wanted, list(finished_runs(folder)))
    return pd.DataFrame(rows_of(groups, everyone))


def curves(name: str, root: str | Path = "runs", tracking_uri: str | None = None) -> "pd.DataFrame":
    """Load what a run has recorded over its steps, in columns `stage`, `metric`, `step` and `value`.

    Args:
        name: The name of a run.
        root: The folder of runs.
        tracking_uri: The address of an MLflow server (default: the database in `root`).

    Raises:
        UserError: there is no run of this name.
    """
    import pandas as pd

    from orchestrator.tracking.store import explained
    from orchestrator.tracking.tracker import ID_TAG, STAGE_TAG

    quiet()
    folder = Path(root).absolute()
    uri = tracking_uri or default_tracking_uri(folder)
    if tracking_uri is None and not database(folder).is_file():
        raise UserError(f"{folder}: no runs here ({database(folder).name} is missing)")
    with explained(uri):
        from mlflow import MlflowClient

        client = MlflowClient(uri)
        experiments = [each.experiment_id for each in client.search_experiments()]
        runs = [
            run
            for condition in (f"= '{name}'", f"LIKE '{name}/%'")
            for run in client.search_runs(experiments, f"tags.`{ID_TAG}` {condition}")
        ]
        rows = [
            (run.data.tags[STAGE_TAG], metric, point.step, point.value)
            for run in sorted(runs, key=lambda run: run.info.start_time)
            for metric in sorted(run.data.metrics)
            for point in sorted(
                client.get_metric_history(run.info.run_id, metric), key=lambda point: point.step
            )
        ]
    if not runs:
        raise UserError(f"{name}: no run of this name in {folder}")
    table = pd.DataFrame(rows, columns=["stage", "metric", "step", "value"])
    return table.drop_duplicates(["stage", "metric", "step"], keep="last", ignore_index=True)
