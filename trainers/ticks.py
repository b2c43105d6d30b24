"""Lets whoever watches a training see every step. Without a watcher, ticks go nowhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Watcher = Callable[[int], None]

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


def tick(step: int) -> None:
    """So many steps are done. Called by the loops; the device may still be at work on the last of them."""
    if _watchers:
        _watchers[-1](step)
