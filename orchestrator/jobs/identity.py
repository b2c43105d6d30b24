"""The identity of a job: the settings that must be equal to continue from a checkpoint."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.checkpoints.folder import META
from orchestrator.checkpoints.store import Checkpoint, CheckpointError
from orchestrator.config.identity import dotted, require_equal
from orchestrator.config.renamed import PRECISION, modern_identity
from orchestrator.config.stages import RetrainStage, SearchStage
from orchestrator.jobs.job import Job

DATA = {"name", "image_size", "channels"}
"""Where images lie does not matter: their content has a hash, see `require_same_images`."""

LOOKING = {"report_every", "evaluation", "gap_steps"}
"""How often a training is looked at changes nothing about it. What scores mean is in their protocol."""


def identity(job: Job) -> dict[str, Any]:
    """Everything that decides the numbers of a job: dotted name -> JSON value."""
    values = {
        "seed": job.experiment.seed,
        "data": job.experiment.data.model_dump(mode="json", include=DATA),
        job.stage: job.config.model_dump(mode="json", exclude=_free(job.config)),
        "compute.precision": job.experiment.compute.precision_on(gpu=job.experiment.cluster.use_gpu),
        "genotypes": {network: genotype.content_hash for network, genotype in job.genotypes.items()},
        # BatchNorm normalises over shares. Of how many there may be, `min_workers` lets fewer do the work.
        "cluster.num_workers": job.experiment.cluster.shares,
    }
    return dotted(values)


def require_same(checkpoint: Checkpoint, job: Job) -> None:
    """Refuse a checkpoint of another identity than the job's.

    Raises:
        CheckpointError: names the first setting that differs.
    """
    current = identity(job)
    saved = modern_identity(checkpoint.meta.identity, current, job.experiment.compute.precision)
    require_equal(saved, current, _run(checkpoint), CheckpointError)


def lacks_precision(folder: Path) -> bool:
    """Whether a training below the folder is of a version that did not record its precision."""
    metas = (json.loads(path.read_text(encoding="utf-8")) for path in folder.rglob(META))
    return any(PRECISION not in meta.get("identity", {PRECISION: None}) for meta in metas)


def require_same_protocol(checkpoint: Checkpoint, protocol: Mapping[str, str]) -> None:
    """Refuse to put scores beside earlier ones that mean something else; not scoring any more is fine.

    Raises:
        CheckpointError: names what differs.
    """
    if checkpoint.meta.protocol and protocol:
        require_equal(
            {f"evaluation's {name}": value for name, value in checkpoint.meta.protocol.items()},
            {f"evaluation's {name}": value for name, value in protocol.items()},
            _run(checkpoint),
            CheckpointError,
        )


def require_same_images(checkpoint: Checkpoint, content_hash: str) -> None:
    """Refuse to continue with other images than before.

    Raises:
        CheckpointError: their content has changed.
    """
    if checkpoint.meta.images != content_hash:
        raise CheckpointError(
            f"data: not the images that {_run(checkpoint)} was started with (hash "
            f"{content_hash}, was {checkpoint.meta.images}); restore them, or use another name"
        )


def _free(config: SearchStage | RetrainStage) -> set[str]:
    """What may change between two attempts."""
    if isinstance(config, RetrainStage):
        # Of the genotype the content counts, not where it came from. At constant rates, training may go on.
        return LOOKING | {"genotype"} | ({"steps", "lr_decay_from"} if config.lr_decay == "none" else set())
    return {"gap_steps"} if config.strategy.depends_on_reports else LOOKING


def _run(checkpoint: Checkpoint) -> str:
    return f"the run in {checkpoint.folder.parent.parent}"
