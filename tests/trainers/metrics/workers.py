"""Two real processes that talk by gloo, started once and given functions to run together."""

import multiprocessing
import traceback
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import distributed


class TwoWorkers:
    """Runs functions of this repository, named by import, on two ranks."""

    def __init__(self, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes, self._processes = [], []
        for rank in range(2):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(rank, folder / "rendezvous", theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def run(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """What the function returns on rank 0 and on rank 1; an exception's text where it raised."""
        for pipe in self._pipes:
            pipe.send((function, arguments))
        return [pipe.recv() for pipe in self._pipes]

    def close(self) -> None:
        """End both processes."""
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.send(None)
            process.join(timeout=20)


def _serve(rank: int, rendezvous: Path, pipe: Connection) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", f"file://{rendezvous}", world_size=2, rank=rank, timeout=timedelta(seconds=300)
    )
    while (task := pipe.recv()) is not None:
        function, arguments = task
        try:
            pipe.send(function(*arguments))
        except Exception:
            pipe.send(traceback.format_exc())
    distributed.destroy_process_group()
