"""The checkpoints of a run: its newest ones and its best one, verified on reading and loaded without
running code."""

import logging
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import ConfigDict, Field, NonNegativeInt, ValidationError

from orchestrator.checkpoints.folder import META, STATE, is_intact, write_whole
from search_space.errors import UserError
from search_space.frozen import Frozen
from search_space.genotype import Genotype

FOLDER_NAME = re.compile(r"step-(\d{9,})")

logger = logging.getLogger(__name__)


class CheckpointError(UserError):
    """A checkpoint cannot be written, or is not one of this run."""


class CheckpointMeta(Frozen):
    """The description of a checkpoint, beside its state."""

    # Scores and losses are recorded as they are, finite or not.
    model_config = ConfigDict(allow_inf_nan=True, ser_json_inf_nan="constants")

    format_version: Literal[1] = 1
    step: NonNegativeInt
    identity: dict[str, Any]
    """Dotted name -> value of everything that decided the numbers, see `orchestrator.jobs.identity`."""
    images: str
    """Fingerprint of the data set."""
    protocol: dict[str, str] = Field(default_factory=dict)
    """What scores must share to be compared; empty where nothing is scored."""
    metrics: dict[str, float]
    workers: dict[int, int] = Field(default_factory=dict)
    """How many trained, by the step after which they began."""
    genotypes: dict[str, Genotype] = Field(default_factory=dict)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose checksums held."""

    folder: Path
    meta: CheckpointMeta

    def state(self) -> dict[str, Any]:
        """Tensors and numbers, on the processor.

        Raises:
            CheckpointError: the file holds anything else; none of it has been run.
        """
        path = self.folder / STATE
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # a hostile file makes torch's reader raise nearly anything
            raise CheckpointError(
                f"{path}: not a state of tensors and numbers; delete its folder to go on without it"
            ) from error


Rank = Callable[[CheckpointMeta], float | None]
"""How good a checkpoint is, the lower the better; None where it cannot be told."""


class CheckpointStore:
    """A folder of checkpoints named by step, of which the newest `keep` are kept, and the best one."""

    def __init__(self, folder: Path, keep: int, rank: Rank = lambda _: None) -> None:
        self._folder = folder
        self._keep = keep
        self._rank = rank

    def save(self, state: Mapping[str, Any], meta: CheckpointMeta) -> Path:
        """Write a checkpoint beside the others, then let go of the oldest.

        Whenever the process dies, what was saved before is intact.

        Raises:
            CheckpointError: the disk is full or refuses.
        """
        folder = self._folder / f"step-{meta.step:09d}"
        try:
            write_whole(folder, state, meta.model_dump_json(indent=2))
            self._retire(meta.step)
        except OSError as error:
            raise CheckpointError(
                f"{folder}: cannot be written ({error.strerror}); the checkpoints before it are intact: "
                "free some space or make the folder writable, then start the run again"
            ) from error
        return folder

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint whose checksums hold; warns of newer ones that are damaged.

        Raises:
            CheckpointError: it is intact but of another program.
        """
        for _, folder in reversed(self._steps()):
            if is_intact(folder):
                return Checkpoint(folder, _read_meta(folder))
            logger.warning("checkpoint %s is damaged: going on from the one before it", folder)
        return None

    def here(self, checkpoint: Checkpoint) -> Checkpoint:
        """The same checkpoint in this folder, as another machine may have found it in its own."""
        return replace(checkpoint, folder=self._folder / checkpoint.folder.name)

    def step(self) -> int:
        """The step of the newest checkpoint, which a job continues from; 0 without one."""
        checkpoint = self.latest()
        return checkpoint.meta.step if checkpoint else 0

    def best(self) -> Checkpoint | None:
        """The best checkpoint whose checksums hold, the earliest of equals; None where none has a rank."""
        for folder in self._best_first(self._steps()):
            if is_intact(folder):
                return Checkpoint(folder, _read_meta(folder))
            logger.warning("checkpoint %s is damaged: taking the next best", folder)
        return None

    def clear(self) -> None:
        """Delete all of them."""
        shutil.rmtree(self._folder)

    def clear_leftovers(self) -> None:
        """Delete what processes killed while saving left behind. Nobody else may be saving."""
        for leftover in self._folder.glob(".*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def _steps(self) -> list[tuple[int, Path]]:
        names = os.listdir(self._folder) if self._folder.is_dir() else []
        matches = [FOLDER_NAME.fullmatch(name) for name in names]
        return sorted((int(match[1]), self._folder / match[0]) for match in matches if match)

    def _retire(self, newest: int) -> None:
        """Later steps than the newest are damaged checkpoints that training went back behind."""
        steps = self._steps()
        reached = [(step, folder) for step, folder in steps if step <= newest]
        kept = {folder for _, folder in reached[-self._keep :]} | {*self._best_first(reached)[:1]}
        for _, folder in steps:
            if folder not in kept:
                shutil.rmtree(folder)

    def _best_first(self, steps: Sequence[tuple[int, Path]]) -> list[Path]:
        """Folders that have a rank: one that has none, or cannot be read, never counts as good."""
        ranks = ((self._rank_of(folder), step, folder) for step, folder in steps)
        ranked = [(rank, step, folder) for rank, step, folder in ranks if rank is not None]
        return [folder for _, _, folder in sorted(ranked)]

    def _rank_of(self, folder: Path) -> float | None:
        try:
            return self._rank(_read_meta(folder))
        except (OSError, CheckpointError):
            return None


def _read_meta(folder: Path) -> CheckpointMeta:
    path = folder / META
    try:
        return CheckpointMeta.model_validate_json(path.read_bytes())
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        where = ".".join(map(str, detail["loc"])) or "content"
        raise CheckpointError(
            f"{path}: {where}: {detail['msg']}; it was not written by this version of the program: "
            "use the version that wrote it, or delete its folder"
        ) from error
