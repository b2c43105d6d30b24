"""SIGTERM as an exception; `test_launch` sees a whole job interrupted by it."""

import ctypes
import os
import signal
import threading
from collections.abc import Callable

import pytest

from orchestrator.console.interruption import finishing, keep_handling, sigterm_interrupts


def test_sigterm_raises_what_ctrl_c_raises() -> None:
    with pytest.raises(KeyboardInterrupt), sigterm_interrupts():
        os.kill(os.getpid(), signal.SIGTERM)


def test_in_another_thread_it_changes_nothing() -> None:
    before = signal.getsignal(signal.SIGTERM)
    within = []

    def work() -> None:
        with sigterm_interrupts():
            within.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert within == [before]


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def interrupted(work: Callable[[], None]) -> None:
    with pytest.raises(KeyboardInterrupt), sigterm_interrupts():
        work()


def test_what_has_to_be_finished_is_finished_first() -> None:
    done = []

    def work() -> None:
        with finishing() as hurried:
            interrupt()
            done.append(hurried.is_set())

    interrupted(work)
    assert done == [True]


def test_an_end_within_an_end_lets_the_outer_one_be_finished_too() -> None:
    done = []

    def work() -> None:
        with finishing() as hurried:
            with finishing():
                interrupt()
                done.append("inner")
            done.append("outer" if hurried.is_set() else "not told")

    interrupted(work)
    assert done == ["inner", "outer"]


def test_an_error_does_not_hide_that_it_was_interrupted() -> None:
    def work() -> None:
        with finishing():
            interrupt()
            raise ValueError

    interrupted(work)


def test_the_second_time_nothing_is_waited_for() -> None:
    done = []

    def work() -> None:
        with finishing():
            interrupt()
            interrupt()
            done.append("not reached")

    interrupted(work)
    assert done == []


def test_a_handler_that_a_library_took_away_is_there_again() -> None:
    def work() -> None:
        ctypes.CDLL(None).signal(signal.SIGTERM, 0)  # 0: the system's own, which ends the process
        keep_handling(signal.SIGTERM)
        interrupt()

    interrupted(work)
