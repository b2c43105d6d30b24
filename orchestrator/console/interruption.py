"""SIGTERM ends a run as Ctrl-C does, so that what is open gets closed; more of them do not cut that short."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Within it, SIGTERM raises KeyboardInterrupt; in a thread other than the main one it changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def finishing() -> Iterator[threading.Event]:
    """Within it, the first Ctrl-C or SIGTERM only sets the event, to hurry, and takes effect at the end.

    One more is raised at once. In a thread other than the main one nothing changes.
    """
    hurried = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield hurried
        return
    postponed: list[int] = []

    def hurry(number: int, _frame: FrameType | None) -> None:
        if postponed:
            raise KeyboardInterrupt
        postponed.append(number)
        hurried.set()

    before = {number: signal.signal(number, hurry) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield hurried
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for signal_number in postponed:
            # To whoever would have got it: where that is another `finishing`, its end is what it waits for.
            signal.raise_signal(signal_number)


def keep_handling(number: int) -> None:
    """Set the handler of a signal again, as a library may have taken it away behind Python's back."""
    signal.signal(number, signal.getsignal(number))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
