"""SIGTERM as an exception; `test_launch` sees a whole job interrupted by it."""

import os
import signal
import threading

import pytest

from orchestrator.interruption import sigterm_interrupts


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
