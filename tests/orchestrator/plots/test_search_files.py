"""Figures and films are made of a search's folder, and can be opened."""

import io

from PIL import Image

from orchestrator.plots.history import histories
from orchestrator.plots.search import preferences_figure
from orchestrator.plots.watch import Watch, watch_files
from search_space.zoo.published import PUBLISHED
from tests.orchestrator.plots.searches import changed, record

FIRST = PUBLISHED["adversarialnas"].genotype


def test_figures_and_a_frame_a_change(tmp_path):
    for step, name in ((10, "conv_1x1"), (20, "conv_3x3"), (30, "conv_3x3")):
        record(tmp_path, step, changed(FIRST, 0, 2, name))
    files = watch_files(tmp_path, animate=True)
    # D never changed, so there is no film of it.
    assert set(files) == {"watch_alpha.png", "watch_beta.png", "watch_convergence.png", "watch_generator.gif"}
    assert {path.name for path in tmp_path.glob("watch_*")} == set(files)
    film = Image.open(io.BytesIO(files["watch_generator.gif"]))
    assert film.n_frames == 2
    assert Image.open(io.BytesIO(files["watch_alpha.png"])).width > 1000


def test_one_report_is_no_course_yet(tmp_path):
    record(tmp_path, 10, FIRST)
    assert watch_files(tmp_path, animate=True) == {}


def test_figures_are_drawn_again_only_after_a_while(tmp_path):
    watch = Watch(tmp_path)
    for step in (10, 20):
        record(tmp_path, step, FIRST)
    assert watch.due()
    assert watch.due() == {}
    always = Watch(tmp_path, share=1.0)
    assert always.due()
    assert always.due()


def test_the_title_is_above_the_names_of_the_edges(tmp_path):
    for step in (10, 20):
        record(tmp_path, step, FIRST)
    for history in histories(tmp_path):
        figure = preferences_figure(history)
        figure.savefig(io.BytesIO())  # lays the texts out
        title = figure.get_suptitle()
        (drawn,) = [text for text in figure.texts if text.get_text() == title]
        names = [text for axes in figure.axes for text in axes.texts]
        assert len(names) == sum(map(len, history.space.cells_of(history.network)))
        assert all(not drawn.get_window_extent().overlaps(name.get_window_extent()) for name in names)
        assert drawn.get_window_extent().y1 < figure.bbox.y1
