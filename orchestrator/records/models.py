"""The generators of pipelines, registered again from the files of their runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.records.history import ELSEWHERE, History
from orchestrator.tracking.registry import Trained, register
from search_space.errors import UserError
from search_space.genotype import Genotype
from trainers.files import json_file


def register_again(root: Path, uri: str, made: Mapping[str, History], ids: Mapping[str, str]) -> list[str]:
    """Register what the pipelines among the runs that were made again had registered; a line for each.

    `made`: histories of those runs by the id they had; `ids`: that id -> the store's id.
    """
    lines = []
    for result in sorted(_registered(root), key=lambda result: _version(result["model"])):
        if result["run_id"] not in made:
            continue
        address = result["model"]
        try:
            name = address.split("/")[1]
            trained, run = _trained(result, made[result["run_id"]])
            runs = [ids[each] for each in (run, result["run_id"])]
            lines.append(f"{register(trained, name, runs, uri)}: registered again")
        except (UserError, OSError, KeyError) as error:
            lines.append(
                f"{address}: not registered again ({error}); `advnas pipeline` with --name {result['name']} "
                "registers it"
            )
    return lines


def results(root: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Results of stages below a root, with their files."""
    for top in sorted(root.iterdir()):
        if top.is_dir() and top.name not in ELSEWHERE:
            for path in sorted(top.rglob("result.json")):
                try:
                    result = json_file(path)
                except (OSError, ValueError):
                    continue
                if isinstance(result, dict) and isinstance(result.get("run_id"), str):
                    yield path, result


def _registered(root: Path) -> Iterator[dict[str, Any]]:
    for _, result in results(root):
        if "stages" in result and str(result.get("model", "")).startswith("models:/"):
            yield result


def _version(address: str) -> int:
    version = address.rpartition("/")[2]
    return int(version) if version.isdecimal() else 0


def _trained(result: Mapping[str, Any], history: History) -> tuple[Trained, str]:
    """What was registered, and the id of the run that trained it."""
    stages = result["stages"]
    trained_in = stages.get("retrain") or stages["select"]
    evaluated = stages["evaluate"]
    trained = Trained(
        generator=Path(result["generator"]),
        samples=Path(result["samples"]),
        genotype=Genotype.load(Path(result["genotype"])),
        scores=evaluated["metrics"],
        protocol=evaluated["fingerprint"],
        data=history.params["data"],
        run=result["name"],
        step=trained_in["generator_step"],
    )
    return trained, trained_in["run_id"]
