import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.console.progress import Progress, in_words, metrics_in_words, report_line
from search_space.evolution.config import EvolutionConfig
from trainers.report import Report
from trainers.strategies.adversarial_config import AdversarialConfig
from trainers.strategies.one_shot_config import OneShotConfig


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def stage(total_steps, clock, first_step=0):
    return Progress("search", total_steps, first_step, clock)


def test_nothing_is_known_before_the_first_report(clock):
    assert stage(100, clock).remaining == "?:??:??"


def test_the_first_report_of_a_fresh_run_gives_its_pace(clock):
    progress = stage(100, clock)
    clock.now += 30
    progress.reached(10)
    assert progress.remaining == "0:04:30"


def test_a_resumed_run_is_judged_by_its_own_steps_from_the_first_report_on(clock):
    progress = stage(1000, clock, first_step=900)
    clock.now += 60
    progress.reached(910)
    assert progress.remaining == "0:09:00"  # 90 steps at 6 s
    clock.now += 20
    progress.reached(920)
    assert (
        progress.remaining == "0:02:40"
    )  # 80 steps at 2 s: the time to the first report has a start-up in it


def test_a_resumed_run_has_come_as_far_as_its_checkpoint_before_any_report(clock):
    progress = stage(1000, clock, first_step=900)
    assert progress.step == 900
    assert progress.bar.tasks[0].percentage == 90
    assert progress.remaining == "?:??:??"


def test_the_time_left_counts_down_between_reports_and_stops_at_zero(clock):
    progress = stage(20, clock)
    clock.now += 10
    progress.reached(10)
    clock.now += 4
    assert progress.remaining == "0:00:06"
    clock.now += 40
    assert progress.remaining == "0:00:00"


def test_old_paces_are_forgotten(clock):
    progress = stage(1000, clock)
    for step in range(1, 101):
        clock.now += 2 if step <= 50 else 1
        progress.reached(step)
    assert progress.remaining == "0:15:00"  # 900 steps at 1 s


def test_evaluations_count_about_as_often_as_they_happen(clock):
    progress = stage(2000, clock)
    for step in range(10, 1010, 10):
        clock.now += 100 if step % 100 == 0 else 10
        progress.reached(step)
        if step >= 300:
            left = 19 * (2000 - step) / 10  # ten reports take 190 s
            hours, minutes, seconds = map(int, progress.remaining.split(":"))
            assert 3600 * hours + 60 * minutes + seconds == pytest.approx(left, rel=0.25)


def test_steps_that_are_done_again_after_a_failure_do_not_confuse_it(clock):
    progress = stage(100, clock)
    for step in (10, 20, 30, 20, 30):
        clock.now += 10
        progress.reached(step)
    assert progress.remaining == "0:01:10"


def test_after_a_failure_only_the_steps_since_it_count(clock):
    progress = stage(100, clock)
    for step, seconds in ((10, 100), (20, 100), (10, 300), (20, 10)):
        clock.now += seconds
        progress.reached(step)
    assert progress.remaining == "0:01:20"  # 80 steps at 1 s


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20))
def test_any_sequence_of_steps_gives_a_time(steps):
    clock = Clock()
    progress = stage(1000, clock)
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
    progress = stage(300, clock)
    clock.now += 60
    progress.reached(50)
    assert report_line(progress, Report(step=50, metrics=metrics)) == (
        "search  50/300  eta 0:05:00  loss_generator -0.5  loss_discriminator 1.988  tau 4.5  "
        "entropy_alpha 0.99  score_real 0.25  fd_digits 45.68  812 images/s"
    )


def test_no_metrics_are_no_words():
    assert metrics_in_words({}) == ""


TOTAL, EVERY = 2000, 50


def seconds_of(step, slow, evaluation):
    """What a simulated training spends on a step, and on the report after it."""
    return (3.0 if step <= slow else 0.1), (evaluation if step % EVERY == 0 else 0.0)


@pytest.mark.parametrize(
    ("first", "slow", "evaluation"),
    [(0, 0, 0.0), (0, 40, 0.0), (0, 0, 12.0), (0, 40, 12.0), (1000, 1000, 0.0), (1030, 1040, 12.0)],
    ids=["constant", "slow first steps", "evaluations", "both", "resumed", "resumed, slow, evaluations"],
)
def test_from_a_tenth_of_the_way_on_the_time_left_is_right_within_a_fifth(clock, first, slow, evaluation):
    progress = stage(TOTAL, clock, first)
    left = {}
    for step in range(first + 1, TOTAL + 1):
        stepping, reporting = seconds_of(step, slow, evaluation)
        clock.now += stepping
        progress.ticked(step)
        left[step] = (clock.now, progress.seconds_left)
        clock.now += reporting
        if step % EVERY == 0:
            progress.reached(step)
    tenth = first + (TOTAL - first) // 10
    for step in range(tenth, TOTAL - EVERY):
        now, said = left[step]
        assert said == pytest.approx(clock.now - now, rel=0.2), step
    assert tenth < TOTAL - EVERY


def test_every_step_moves_the_bar_and_gives_a_time_before_any_report(clock):
    progress = stage(100, clock)
    clock.now += 2
    progress.ticked(1)
    assert progress.bar.tasks[0].completed == 1
    assert progress.remaining == "0:03:18"  # 99 steps at 2 s


IMAGE = 0.02


@pytest.mark.parametrize("known", [IMAGE, None], ids=["an image's time is known", "unknown"])
def test_scores_that_are_due_count_by_their_number_of_images(clock, known):
    """Reports every 50 steps, of which every fourth scores 1000 images: 20 s beside 20 s of steps."""
    progress = Progress(
        "search", TOTAL, 0, clock,
        images_after=lambda step: 1000 * (TOTAL // 200 - step // 200), image_seconds=known,
    )  # fmt: skip
    left = {}
    for step in range(1, TOTAL + 1):
        clock.now += 0.1
        progress.ticked(step)
        left[step] = (clock.now, progress.seconds_left)
        if step % 50 == 0:
            clock.now += 1000 * IMAGE if step % 200 == 0 else 0.0
            progress.reached(step)
    tenth = TOTAL // 10 if known else TOTAL // 10 + 1  # the first scores come at a tenth
    for step in range(tenth, TOTAL - 50):
        now, said = left[step]
        assert said == pytest.approx(clock.now - now, rel=0.2), step


def test_the_first_scores_of_a_command_may_take_longer_and_count_once_they_are_confirmed(clock):
    progress = Progress(
        "search", 40, 0, clock, images_after=lambda step: 10 * (4 - step // 10), image_seconds=1.0
    )
    for step, scoring in ((10, 100), (20, 20)):
        clock.now += 10
        progress.ticked(step)
        clock.now += scoring
        progress.reached(step)
        if step == 10:
            assert progress.remaining == "0:01:00"  # 30 steps of 1 s, 30 images of 1 s
    assert progress.remaining == "0:01:00"  # 20 steps of 1 s, 20 images of 2 s


def test_the_time_whole_run_covers_later_work_at_this_pace_unless_it_is_known(clock):
    paces = []

    def later(pace):
        paces.append(pace)
        return 100.0

    progress = Progress("search", 20, 0, clock, later=later)
    assert progress.whole_run == ""
    clock.now += 20
    progress.ticked(10)
    assert progress.whole_run == ", whole run about 0:02:00"
    assert paces == [2.0]


def test_a_warm_up_of_short_steps_does_not_promise_short_steps_ever_after(clock):
    strategy = AdversarialConfig(warmup_steps=60)
    progress = Progress("search", 200, clock=clock, effort=lambda step: strategy.effort(step, 200))
    for step in range(1, 21):
        clock.now += 0.4
        progress.ticked(step)
    assert progress.seconds_left == pytest.approx(40 * 0.4 + 140 * 1.0)
    for step in range(21, 101):
        clock.now += 0.4 if step <= 60 else 1.0
        progress.ticked(step)
    assert progress.seconds_left == pytest.approx(100)


def test_candidates_of_a_one_shot_search_count_before_they_come_and_by_their_own_time_afterwards(clock):
    """100 steps train three supernets, with a probe of 2 paths after each 40; then 50 steps score."""
    strategy = OneShotConfig(
        supernets=3, probe_every=40, probe_paths=2, evolution=EvolutionConfig(random=20, children=30)
    )
    progress = Progress("search", 150, clock=clock, effort=lambda step: strategy.effort(step, 150))
    a_score = 2.0
    for step in range(1, 40):
        clock.now += 1.0
        progress.ticked(step)
    assert progress.seconds_left == pytest.approx(61 + 0.7 * (12 + 150))  # guessed
    clock.now += 1.0 + 6 * a_score
    progress.ticked(40)
    assert progress.seconds_left == pytest.approx(60 + (6 + 150) * a_score)  # measured
    for step in range(41, 126):
        clock.now += (1.0 if step <= 100 else 3 * a_score) + (6 * a_score if step == 80 else 0)
        progress.ticked(step)
    assert progress.seconds_left == pytest.approx(25 * 3 * a_score)
    assert progress.pace == pytest.approx(1)
