"""The page answers at the top, shows differences, and needs nothing but itself."""

import re
from dataclasses import replace

import pytest

from orchestrator.compare.groups import groups_of
from orchestrator.compare.page import write_page
from search_space.errors import UserError
from tests.orchestrator.compare.candidates import trained
from tests.orchestrator.trained import save_trained


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("page")
    best = trained("<best>", 9.0, 10.0, 11.0)
    kept = save_trained(folder / "generator.pt")
    best = replace(best, trainings=tuple(replace(each, generator=kept) for each in best.trainings))
    everyone = [best, trained("worse", 29.0, 30.0, 31.0, genotype=1)]
    write_page(folder / "page.html", groups_of(everyone), everyone)
    return (folder / "page.html").read_text()


def test_nothing_is_loaded_from_elsewhere(page):
    loaded = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')>\s]+)", page)
    assert loaded
    assert all(address.startswith(("data:", "#")) for address in loaded), loaded
    assert "@import" not in page
    assert "<script" not in page


def test_the_answer_comes_first_and_names_are_escaped(page):
    assert page.index("Best of 2: &lt;best&gt;, fd_digits 10 ± 1 (3 runs).") < page.index("<svg")
    assert ": real" in page
    assert "<best>" not in page


def test_a_name_is_no_formula(tmp_path):
    everyone = [trained(r"$\frac$ and $x$", 9.0, 10.0), trained("worse", 29.0, 30.0, genotype=1)]
    write_page(tmp_path / "page.html", groups_of(everyone), everyone)
    assert (tmp_path / "page.html").read_text().count(r"$\frac$ and $x$") > 2  # as text of the drawings too


def test_images_and_marked_drawings_are_there(page):
    assert page.count("data:image/png;base64,") == 1, "one of the two has kept its generator"
    assert "edges differ from the best (marked)" in page
    assert "-halo" in page


def test_ids_of_drawings_do_not_collide(page):
    ids = re.findall(r'id="([^"]*node[^"]*)"', page)
    assert len(ids) == len(set(ids)) > 0


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"--html .*page\.html: .*name a place"):
        write_page(tmp_path / "file" / "page.html", [], [])
