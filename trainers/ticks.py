"""Lets whoever watches a training see every step, and ask for a report out of turn.

Without a watcher, ticks go nowhere.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Watcher = Callable[[int], bool | None]
"""May say True to have a report now, whether one is due or not: on all workers at the same step."""

_watchers: list[Watcher] = []
"""The last one is told: a process trains one network at a time."""


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Tell the watcher of every step for as long."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def tick(step: int) -> bool:
    """So many steps are done. Says whether a report is wanted now.

    Called by the loops; the device may still be at work on the last of the steps.
    """
    return bool(_watchers and _watchers[-1](step))
