"""Runs of versions that kept no records: what their results, checkpoints and configurations still tell."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from orchestrator.config.experiment import load_experiment
from orchestrator.config.identity import flatten
from orchestrator.records.history import History
from orchestrator.records.models import results
from orchestrator.tracking.columns import columns
from orchestrator.tracking.recording import STEP
from orchestrator.tracking.sending.records import Head
from orchestrator.tracking.tracker import PARENT_TAG
from search_space.errors import UserError
from trainers.files import json_file


def older_histories(root: Path, known: set[str]) -> list[History]:
    """The histories of stages that left a result and no records; pipelines come before their stages."""
    found = [(path, result) for path, result in results(root) if result["run_id"] not in known]
    pipelines = {result["name"]: result["run_id"] for _, result in results(root) if "stages" in result}
    histories = [_history(root, path, result, pipelines) for path, result in found]
    return sorted(histories, key=lambda history: (PARENT_TAG in history.tags, history.head.began))


def _history(root: Path, path: Path, result: Mapping[str, Any], pipelines: Mapping[str, str]) -> History:
    stage = "pipeline" if "stages" in result else _stage(path)
    artifacts = root.absolute() / "mlartifacts" / result["run_id"] / "artifacts"
    config = artifacts / "config.yaml"
    ended = _time(path)
    began = _time(config) if config.is_file() else ended
    head = Head(
        run_id=result["run_id"],
        experiment="advnas",
        id=result["name"],
        stage=stage,
        name=result["name"] if stage == "pipeline" else f"{result['name'].partition('/')[0]} {stage}",
        began=began,
        artifacts=artifacts.as_uri(),
        uri=result["tracking_uri"],
        whole=False,
    )
    history = History(head, path.parent if stage == "pipeline" else path.parent.parent, whole=False)
    history.status, history.latest = "FINISHED", ended
    if parent := pipelines.get(result["name"].partition("/")[0]):
        history.tags |= {PARENT_TAG: parent} if parent != head.run_id else {}
    if config.is_file():
        history.head, history.params = _configured(head, config)
    for step, (time, metrics) in {**_checkpoints(path.parent), **_final(result, ended)}.items():
        for name, value in metrics.items():
            if isinstance(value, int | float) and isfinite(value):
                history.points[name, step] = {time: float(value)}
    return history


def _stage(path: Path) -> str:
    return "sweep" if (path.parent / "sweep.yaml").is_file() else path.parent.name


def _configured(head: Head, config: Path) -> tuple[Head, dict[str, str]]:
    """With the experiment's name, and params as `orchestrator.stages` records them."""
    try:
        experiment = load_experiment(str(config))
    except UserError:  # of another version
        return head, {}
    settings = experiment.model_dump(mode="json")
    if head.stage != "pipeline":
        settings = {name: settings[name] for name in ("seed", "data", head.stage) if name in settings}
    params = flatten(settings) | columns(experiment, head.stage)
    return head.model_copy(update={"experiment": experiment.tracking.experiment}), params


def _checkpoints(folder: Path) -> dict[int, tuple[int, Mapping[str, float]]]:
    """Time and metrics by step, of the checkpoints that are left."""
    found: dict[int, tuple[int, Mapping[str, float]]] = {}
    for meta in sorted(folder.glob("checkpoints/*/meta.json")):
        try:
            content = json_file(meta)
            found[content["step"]] = _time(meta), {**content["metrics"], STEP: content["step"]}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _final(result: Mapping[str, Any], time: int) -> dict[int, tuple[int, Mapping[str, float]]]:
    trained = result if "step" in result else (result.get("stages") or {}).get("retrain") or {}
    step = trained.get("step", 0)
    return {step: (time, {**result.get("metrics", {}), **({STEP: step} if step else {})})}


def _time(path: Path) -> int:
    """When it was written, milliseconds since 1970."""
    return int(path.stat().st_mtime * 1000)
