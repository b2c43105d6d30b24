import io

from PIL import Image

from orchestrator.plots.reliability import Agreement, agreement


def shown(**options):
    given = {
        "metric": "fd_digits",
        "ends": [(40.0, 55.0), (90.0, 70.0), (300.0, 210.0)],
        "factor": 2.5,
        "steps": (100, 200, 300),
        "other_seed": (0.1, 0.3, 0.6),
        "same_seed": (0.2, 0.7, 1.0),
        "title": "three genotypes",
    }
    return Agreement(**(given | options))


def test_the_figure_is_a_picture_of_the_size_of_a_page():
    picture = Image.open(io.BytesIO(agreement(shown())))
    assert picture.format == "PNG"
    assert picture.size == (1200, 520)


def test_scores_of_any_size_are_drawn():
    small, large = (
        agreement(shown(ends=[(1e-3, 2e-3), (0.5, 0.4)])),
        agreement(shown(ends=[(1, 1e6), (2, 3)])),
    )
    assert small != large


def test_a_drawing_depends_on_the_scores():
    assert agreement(shown()) == agreement(shown())
    assert agreement(shown()) != agreement(shown(ends=[(55.0, 40.0), (90.0, 70.0), (300.0, 210.0)]))
