"""Handling of Ctrl-C and SIGTERM: a run ends in an orderly way, and repeated signals do not cut that short.

Python raises KeyboardInterrupt wherever it happens to be: in a callback of the garbage collector, or in a
library that catches everything, it is dropped. Therefore it is remembered too, and asked for before every
step and stage.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Hook = Callable[[sys.UnraisableHookArgs], object]


class _Remembered:
    """Whether the process was told to stop since it became interruptible. No lock: handlers must not wait."""

    interrupted = False


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it, Ctrl-C and SIGTERM raise KeyboardInterrupt and are remembered.

    In a thread other than the main one it changes nothing, and a SIGINT that is ignored or has a handler of
    somebody's own stays with that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, _interrupt)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, _interrupt)
    hook = sys.unraisablehook
    sys.unraisablehook = _without_interruptions(hook)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
        if before[signal.SIGTERM] is not _interrupt:
            _Remembered.interrupted = False


def raise_if_interrupted() -> None:
    """Raise KeyboardInterrupt if one was raised before, as that one may have been dropped."""
    if _Remembered.interrupted:
        raise KeyboardInterrupt


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
            _Remembered.interrupted = True
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
    _Remembered.interrupted = True
    raise KeyboardInterrupt


def _without_interruptions(hook: "Hook") -> "Hook":
    """Shows what could not be raised, but for KeyboardInterrupt, which is remembered."""

    def show(dropped: "sys.UnraisableHookArgs") -> None:
        if not (_Remembered.interrupted and issubclass(dropped.exc_type, KeyboardInterrupt)):
            hook(dropped)

    return show
