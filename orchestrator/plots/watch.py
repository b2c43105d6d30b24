"""Watching a search: what alpha and beta prefer over time, drawn while it runs and at its end."""

import time
from pathlib import Path

from orchestrator.tracking.recording import DRAWING_SHARE


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
        from orchestrator.plots.search_files import watch_files

        files = watch_files(self._folder, animate=False)
        self._next = time.monotonic() + (time.monotonic() - started) * (1 / self._share - 1)
        return files
