"""Ctrl-C and SIGTERM as exceptions; `test_launch` and `test_failures` see whole runs interrupted by them."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from trainers.interruption import finishing, interruptible, keep_handling, raise_if_interrupted


def test_sigterm_raises_what_ctrl_c_raises() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def number(request: pytest.FixtureRequest) -> Iterator[int]:
    # Whoever starts pytest in the background leaves SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield request.param
    signal.signal(signal.SIGINT, before)


class Dropping:
    """Python drops what a finalizer raises."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __del__(self) -> None:
        os.kill(os.getpid(), self._number)


def test_one_that_is_dropped_is_remembered(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        Dropping(number)
        raise_if_interrupted()

    interrupted(work)
    assert capsys.readouterr().err == ""
    raise_if_interrupted()  # the next one begins without


def test_one_within_another_keeps_what_the_outer_one_was_told() -> None:
    def work() -> None:
        with interruptible():
            Dropping(signal.SIGTERM)
        raise_if_interrupted()

    interrupted(work)


def test_other_errors_that_are_dropped_are_still_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        def __del__(self) -> None:
            raise ValueError

    shown: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: shown.append(dropped.exc_type))
    with interruptible():
        Failing()
    assert shown == [ValueError]


def test_a_sigint_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGINT)
            raise_if_interrupted()
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_it_changes_nothing() -> None:
    before = signal.getsignal(signal.SIGTERM)
    within = []

    def work() -> None:
        with interruptible():
            within.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert within == [before]


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def interrupted(work: Callable[[], None]) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
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
