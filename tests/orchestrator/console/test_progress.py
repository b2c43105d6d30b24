import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.console.progress import Progress, in_words, metrics_in_words, report_line
from trainers.report import Report


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_nothing_is_known_before_the_first_report(clock):
    assert Progress(100, clock).remaining == "?:??:??"


def test_the_first_report_of_a_fresh_run_gives_its_pace(clock):
    progress = Progress(100, clock)
    clock.now += 30
    progress.reached(10)
    assert progress.remaining == "0:04:30"


def test_a_run_that_goes_on_is_judged_by_its_own_steps_from_the_second_report_on(clock):
    progress = Progress(1000, clock)
    clock.now += 60
    progress.reached(910)
    clock.now += 20
    progress.reached(920)
    assert progress.remaining == "0:02:40"  # 80 steps at 2 s


def test_the_time_left_counts_down_between_reports_and_stops_at_zero(clock):
    progress = Progress(20, clock)
    clock.now += 10
    progress.reached(10)
    clock.now += 4
    assert progress.remaining == "0:00:06"
    clock.now += 40
    assert progress.remaining == "0:00:00"


def test_old_paces_are_forgotten(clock):
    progress = Progress(1000, clock)
    for step in range(1, 11):
        clock.now += 100 if step <= 5 else 1
        progress.reached(step)
    assert progress.remaining == "0:16:30"  # 990 steps at 1 s


def test_steps_that_are_done_again_after_a_failure_do_not_confuse_it(clock):
    progress = Progress(100, clock)
    for step in (10, 20, 30, 20, 30):
        clock.now += 10
        progress.reached(step)
    assert progress.remaining == "0:01:10"


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20))
def test_any_sequence_of_steps_gives_a_time(steps):
    clock = Clock()
    progress = Progress(1000, clock)
    for step in steps:
        clock.now += 1
        progress.reached(step)
        assert progress.step == step
        assert progress.remaining.count(":") == 2


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00:00"), (3661.4, "1:01:01"), (90000, "1 day, 1:00:00")]
)
def test_durations_in_words(seconds, words):
    assert in_words(seconds) == words


def test_a_line_tells_losses_then_tau_then_entropies_then_scores_then_speed(clock):
    metrics = {
        "images_per_second": 812.4,
        "fd_digits": 45.67891,
        "entropy_alpha": 0.99,
        "tau": 4.5,
        "score_real": 0.25,
        "loss_generator": -0.5,
        "loss_discriminator": 1.98765,
    }
    progress = Progress(300, clock)
    clock.now += 60
    progress.reached(50)
    assert report_line("search", progress, Report(step=50, metrics=metrics)) == (
        "search  50/300  eta 0:05:00  loss_generator -0.5  loss_discriminator 1.988  tau 4.5  "
        "entropy_alpha 0.99  score_real 0.25  fd_digits 45.68  812 images/s"
    )


def test_no_metrics_are_no_words():
    assert metrics_in_words({}) == ""
