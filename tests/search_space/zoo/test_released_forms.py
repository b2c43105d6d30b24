"""Genotypes as their repositories write them; by the command line too."""

import json
from pathlib import Path

import numpy as np
import pytest

from orchestrator.__main__ import main
from search_space.genotype import Genotype, GenotypeError
from search_space.zoo.published import PUBLISHED
from search_space.zoo.released_forms import read_released

ALPHAGAN_L = {
    "normal": {
        "cell_1": [["conv_5x5", 0], ["conv_5x5", 1], ["sep_conv_5x5", 2]],
        "cell_2": [["conv_5x5", 0], ["conv_1x1", 1], ["conv_3x3", 2]],
        "cell_3": [["conv_1x1", 0], ["conv_5x5", 1], ["sep_conv_3x3", 2]],
    },
    "up": {
        "cell_1": [["deconv", 0], ["bilinear", 1]],
        "cell_2": [["deconv", 0], ["bilinear", 1]],
        "cell_3": [["nearest", 0], ["bilinear", 1]],
    },
    "skip_2": [["nearest", 0]],
    "skip_3": [["bilinear", 0], ["nearest", 1]],
}
EAGAN_D = [(3, 0, 3, 0, 2, 0, 0), (1, 0, 3, 0, 1, -1, -1), (3, 0, 3, 0, 1, -1, -1)]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("best_dis.npy", np.array(EAGAN_D))
    Path("alphagan.json").write_text(json.dumps(ALPHAGAN_L))
    return tmp_path


@pytest.mark.parametrize(
    ("source", "space", "name"),
    [
        ("0 1 0 1 0 1 2 1 0 0 1 0 1 2", "autogan", "e2gan"),
        ("1,0,1,1,1,0,0,1,1,1,0,1,0,3", "autogan", "autogan_a"),
        ("alphagan.json", "alphagan", "alphagan_l"),
        ("best_dis.npy", "eagan", "eagan_cifar10"),
    ],
)
def test_the_command_line_turns_it_into_a_file_of_ours(here, source, space, name):
    assert main(["genotype", "convert", source, "mine.json", "--space", space]) == 0
    assert Genotype.load(here / "mine.json").content_hash == PUBLISHED[name].genotype.content_hash


@pytest.mark.parametrize(
    ("source", "space", "message"),
    [
        (
            "1 0 1",
            "autogan",
            "3 integers given; a genotype of autogan has 14: conv, norm, up and",
        ),
        (
            "vector.npy",
            "autogan",
            "cells of autogan differ in length, so no .npy holds them; give a",
        ),
        ("1 3 1 1 1 0 0 1 1 1 0 1 0 3", "autogan", "cells.0.norm: no primitive 3; known: 0 none, 1 batch, 2"),
        (
            "arch.txt",
            "autogan",
            "'arch.txt': a released genotype of autogan is 14 integers; give them as one",
        ),
        ("nowhere.json", "alphagan", "nowhere.json: No such file or directory; give a .json file"),
        ("twice.json", "alphagan", "skip_3: edges 0, 0 given; number each once, from 0"),
        (
            "cells.json",
            "alphagan",
            "cells.json: normal has the cells cell_1, cell_2, up has cell_1,",
        ),
        ("part.json", "alphagan", "part.json: no released genotype of alphagan ('skip_3'); expected a JSON"),
        ("other.json", "alphagan", "other.json: generator cells.0.n0: unknown primitive 'conv_7x7'; known:"),
        ("best_dis.npy", "adversarialnas", "no primitive 3; known: 0 nearest, 1 bilinear"),
        (
            "one.npy",
            "eagan",
            "cells.2: only e6 keeps the size; use keep_size (-1) for both e5 and e6, or for",
        ),
    ],
)
def test_what_is_not_of_that_form_is_refused_in_one_line_with_the_cure(here, capsys, source, space, message):
    del here
    Path("part.json").write_text(json.dumps({k: v for k, v in ALPHAGAN_L.items() if k != "skip_3"}))
    Path("other.json").write_text(json.dumps(ALPHAGAN_L).replace("conv_5x5", "conv_7x7", 1))
    twice = [["bilinear", 0], ["nearest", 0]]
    Path("twice.json").write_text(json.dumps({**ALPHAGAN_L, "skip_3": twice}))
    two = {cell: edges for cell, edges in ALPHAGAN_L["normal"].items() if cell != "cell_3"}
    Path("cells.json").write_text(json.dumps({**ALPHAGAN_L, "normal": two}))
    np.save("vector.npy", np.array([1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3]))
    np.save("one.npy", np.array([*EAGAN_D[:2], (3, 0, 3, 0, 1, 0, -1)]))
    with pytest.raises(GenotypeError):
        read_released(source, space)
    assert main(["genotype", "convert", source, "mine.json", "--space", space]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def backwards(value):
    """Cells and edges in the other order; each says itself which it is."""
    if isinstance(value, dict):
        return {key: backwards(each) for key, each in reversed(value.items())}
    return value[::-1]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("cell", ["cell_{}", "{}"])
def test_cells_and_edges_of_alphagans_form_are_told_by_their_names_not_by_their_places(cell):
    renamed = {
        field: {cell.format(number): cells[f"cell_{number}"] for number in (1, 2, 3)}
        for field, cells in ALPHAGAN_L.items()
        if field in ("normal", "up")
    }
    Path("backwards.json").write_text(json.dumps(backwards({**ALPHAGAN_L, **renamed})))
    assert read_released("backwards.json", "alphagan") == PUBLISHED["alphagan_l"].genotype


@pytest.mark.usefixtures("here")
def test_a_file_of_another_space_says_as_what_it_was_read(capsys):
    assert main(["genotype", "show", "best_dis.npy"]) == 2
    assert (
        "(read as one of adversarialnas: a .npy names no space; `advnas genotype convert --space` reads"
        in capsys.readouterr().err
    )
