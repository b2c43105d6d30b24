"""The figures of a search as files beside its checkpoints."""

import time
from pathlib import Path

from orchestrator.plots.history import gaps, histories
from orchestrator.plots.images import DRAWING_SHARE
from trainers.files import written_whole


def watch_files(folder: Path, animate: bool) -> dict[str, bytes]:
    """Figures by file name, written into the folder too; animations take longest. None before two reports."""
    from orchestrator.plots.search import SYMBOLS, animation, convergence, preferences

    found = histories(folder)
    if not found or len(found[0].steps) < 2:
        return {}
    files = {f"watch_{SYMBOLS[history.network]}.png": preferences(history) for history in found}
    files["watch_convergence.png"] = convergence(found, gaps(folder))
    for history in found if animate else ():
        if film := animation(history):
            files[f"watch_{history.network}.gif"] = film
    for name, content in files.items():
        with written_whole(folder / name) as file:
            file.write(content)
    return files


class Watch:
    """Draws the figures of a search's folder anew, as long as that takes little of the time."""

    def __init__(self, folder: Path, share: float = DRAWING_SHARE) -> None:
        self._folder, self._share = folder, share
        self._next = 0.0

    def due(self) -> dict[str, bytes]:
        """The figures by file name, written into the folder too; none if it is too early to draw again."""
        started = time.monotonic()
        if started < self._next:
            return {}
        from orchestrator.plots.watch import watch_files

        files = watch_files(self._folder, animate=False)
        self._next = time.monotonic() + (time.monotonic() - started) * (1 / self._share - 1)
        return files
