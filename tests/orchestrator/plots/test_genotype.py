import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from orchestrator.plots.genotype import draw, save_drawing
from search_space.genotype import Genotype, GenotypeError
from search_space.sampling import sample_genotype
from search_space.spaces.autogan import rows_of
from search_space.spaces.registry import SPACES
from search_space.zoo.published import PUBLISHED

GENERATOR = PUBLISHED["adversarialnas"].genotype
DISCRIMINATOR = PUBLISHED["adversarialnas_discriminator"].genotype
PNG = b"\x89PNG\r\n\x1a\n"

# The longest names on every edge, and others on every edge of the genotype compared with.
LONGEST = {
    "generator": (
        Genotype.from_rows("generator", [[2, 2, 6, 6, 6, 6, 6]] * 3),
        Genotype.from_rows("generator", [[1, 1, 5, 5, 5, 5, 5]] * 3),
    ),
    "autogan": (
        Genotype.from_rows("generator", rows_of([0, 2, 0, 1, 0, 2, 0, 1, 1, 0, 2, 0, 1, 3]), space="autogan"),
        Genotype.from_rows("generator", rows_of([1, 1, 2, 0, 1, 1, 2, 0, 0, 1, 1, 2, 0, 0]), space="autogan"),
    ),
    "discriminator": (
        Genotype.from_rows("discriminator", [[4, 4, 4, 6, 6, 5, 5], *[[6, 6, 6, 6, 6, 5, 5]] * 3]),
        Genotype.from_rows("discriminator", [[3, 3, 3, 5, 5, 4, 4], *[[5, 5, 5, 5, 5, 4, 4]] * 3]),
    ),
}


def artists(figure) -> dict:
    """Everything that carries a name, after one rendering."""
    FigureCanvasAgg(figure).draw()
    return {artist.get_gid(): artist for artist in figure.findobj() if artist.get_gid()}


def labels_of(figure) -> dict[str, str]:
    named = artists(figure)
    return {gid.removesuffix("-label"): a.get_text() for gid, a in named.items() if gid.endswith("-label")}


@pytest.mark.parametrize("network", LONGEST)
def test_labels_overlap_neither_each_other_nor_nodes_nor_foreign_lines_nor_the_border(network):
    figure = draw(*LONGEST[network])
    named = artists(figure)
    boxes = {
        gid.removesuffix("-label"): artist.get_bbox_patch().get_window_extent()
        for gid, artist in named.items()
        if gid.endswith("-label")
    }
    expected = {"generator": 3 * 7 + 3, "autogan": 3 * 4 + 3, "discriminator": 4 * 7}
    assert len(boxes) == expected[network]
    nodes = {gid: artist.get_window_extent() for gid, artist in named.items() if "-node" in gid}
    lines = {gid: outline(named[gid]) for gid in boxes if gid in named}
    assert len(lines) > 5
    for one, other in itertools.combinations(boxes, 2):
        assert not boxes[one].overlaps(boxes[other]), (one, other)
    for label, box in boxes.items():
        assert not any(box.overlaps(node) for node in nodes.values()), label
        crossed = [line for line, points in lines.items() if line != label and inside(box, points)]
        assert crossed == [], label
        assert figure.bbox.contains(box.x0, box.y0), label
        assert figure.bbox.contains(box.x1, box.y1), label


def outline(arrow) -> np.ndarray:
    """Points along an arrow's line, in pixels, dense enough not to jump over a label."""
    path = arrow.get_transform().transform_path(arrow.get_path())
    corners = np.concatenate(path.to_polygons(closed_only=False))
    return np.concatenate([np.linspace(a, b, 200) for a, b in itertools.pairwise(corners)])


def inside(box: Bbox, points: np.ndarray) -> bool:
    return bool(((points > box.min) & (points < box.max)).all(axis=1).any())


@pytest.mark.parametrize("genotype", [GENERATOR, DISCRIMINATOR], ids=["generator", "discriminator"])
def test_every_edge_is_drawn_and_labelled_with_its_primitive_unless_it_is_none(genotype):
    figure = draw(genotype)
    named, labels = artists(figure), labels_of(figure)
    for cell, names in enumerate(genotype.cells, start=1):
        for edge, name in enumerate(names):
            assert f"cell{cell}-e{edge}" in named
            assert labels.get(f"cell{cell}-e{edge}", "none") == name


def test_the_fixed_skips_between_cells_are_drawn_for_the_generator_alone():
    labels = labels_of(draw(GENERATOR))
    assert {place: text for place, text in labels.items() if place.startswith("skip")} == {
        "skip1-2": "bilinear, conv_1x1",
        "skip1-3": "nearest, conv_1x1",
        "skip2-3": "nearest, conv_1x1",
    }
    assert not any(place.startswith("skip") for place in artists(draw(DISCRIMINATOR)))


def autogan(*vector: int) -> Genotype:
    return Genotype.from_rows("generator", rows_of(vector), space="autogan")


def test_autogans_cells_are_drawn_as_they_compute_with_every_gene_once():
    """e2gan in words: post, batch norm; bilinear, deconvolution, bilinear; skip from cell 1 into cell 3."""
    ups, labels = ("bilinear", "deconv", "bilinear"), labels_of(draw(PUBLISHED["e2gan"].genotype))
    expected = {"cell3-skip1": "bilinear, conv_1x1"}
    for cell, up in enumerate(ups, 1):
        genes = {"conv": "post-activation", "norm": "batch norm", "up": up, "short": f"{up}, conv_1x1"}
        expected |= {f"cell{cell}-{name}": text for name, text in genes.items()}
    assert labels == expected


@pytest.mark.parametrize(("order", "expected"), [(1, ["norm", "up"]), (0, ["up", "norm"])])
def test_the_operations_of_a_block_stand_in_the_order_in_which_it_computes_them(order, expected):
    named = artists(draw(autogan(order, 1, 1, 0, *(0,) * 10)))
    heights = {name: named[f"cell1-{name}-label"].get_position()[1] for name in expected}
    assert sorted(heights, key=heights.__getitem__, reverse=True) == expected


def test_a_skip_that_only_the_other_genotype_has_is_marked_too():
    figure = draw(PUBLISHED["e2gan"].genotype, PUBLISHED["autogan_a"].genotype)
    labels, named = labels_of(figure), artists(figure)
    assert labels["cell2-skip1"] == "none\n≠ conv_1x1"
    assert labels["cell3-skip1"] == "bilinear, conv_1x1"
    assert labels["cell3-short"] == "bilinear, conv_1x1\n≠ none"
    halos = {gid.removesuffix("-halo") for gid in named if gid.endswith("-halo")}
    assert halos == {"cell2-skip1", "cell3-skip2", "cell3-short"}
    assert {gid for gid, text in labels.items() if "≠" in text} == halos | {
        f"cell{cell}-{gene}" for cell in (1, 2, 3) for gene in ("conv", "norm", "up")
    }


def test_genes_of_other_names_are_listed(monkeypatch):
    known = SPACES["autogan"]
    edges = tuple(replace(edge, name=f"my_{edge.name}") for edge in known.cells["generator"][0])
    mine = replace(known, name="mine", cells={"generator": (edges,) * 3})
    monkeypatch.setitem(SPACES, "mine", mine)
    genotype = Genotype(space="mine", network="generator", cells=(("pre", "none", "deconv", "none"),) * 3)
    labels = labels_of(draw(genotype))
    assert {labels[f"cell{cell}-my_up"] for cell in (1, 2, 3)} == {"deconv"}
    assert len(labels) == 12


def test_title_names_network_and_content_hash():
    texts = [text.get_text() for text in draw(GENERATOR).axes[0].texts]
    assert f"generator  {GENERATOR.content_hash}" in texts


def test_highlight_marks_exactly_the_edges_that_differ():
    figure = draw(GENERATOR, highlight=PUBLISHED["eagan"].genotype)
    halos = {gid.removesuffix("-halo") for gid in artists(figure) if gid.endswith("-halo")}
    assert halos == {"cell1-e4", "cell2-e5", "cell2-e6", "cell3-e4"}
    assert labels_of(figure)["cell1-e4"] == "conv_3x3\n≠ conv_1x1"
    assert labels_of(figure)["cell2-e5"] == "conv_3x3\n≠ none"


def test_two_networks_of_different_kinds_cannot_be_compared():
    with pytest.raises(GenotypeError, match="a generator cannot be compared with a discriminator"):
        draw(GENERATOR, highlight=DISCRIMINATOR)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_file_holds_the_same_bytes_each_time(tmp_path, suffix):
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        save_drawing(GENERATOR, path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert first.startswith(PNG) if suffix == ".png" else b"</svg>" in first


def test_another_suffix_is_refused_before_drawing(tmp_path):
    with pytest.raises(GenotypeError, match=r"unknown suffix '\.pdf'; a drawing ends in \.png or \.svg"):
        save_drawing(GENERATOR, tmp_path / "g.pdf")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_random_genotypes_can_be_drawn_and_compared(network):
    for seed in range(3):
        draw(sample_genotype(network, seed), highlight=sample_genotype(network, seed + 1))


def test_drawing_leaves_pyplot_alone():
    code = (
        "import sys; from orchestrator.plots.genotype import draw; "
        "from search_space.zoo.published import PUBLISHED; "
        "draw(PUBLISHED['eagan'].genotype); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
