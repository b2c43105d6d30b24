import json

import numpy as np
import pytest

from orchestrator.__main__ import main
from search_space.genotype import Genotype
from search_space.published import PUBLISHED

EAGAN = [[1, 1, 1, 0, 2, 3, 1], [1, 1, 0, 1, 3, 0, 5], [0, 1, 0, 3, 0, 0, 3]]


@pytest.fixture
def run(tmp_path):
    """A folder of runs in which `mine` has searched both networks."""
    folder = tmp_path / "runs" / "mine" / "search"
    folder.mkdir(parents=True)
    PUBLISHED["cagan_top1"].genotype.save(folder / "genotype_generator.json")
    PUBLISHED["adversarialnas_discriminator"].genotype.save(folder / "genotype_discriminator.json")
    return tmp_path / "runs"


def test_show_names_every_edge(capsys):
    assert main(["genotype", "show", "eagan"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("generator ")
    assert lines[1] == f"rows {EAGAN}"
    assert lines[2:5] == ["cell 1", "  e0  0 -> 1  bilinear", "  e1  0 -> 2  bilinear"]
    assert lines[-1] == "  e6  3 -> 4  conv_3x3"
    assert len(lines) == 2 + 3 * 8


def test_show_as_json_is_a_genotype_file(capsys):
    assert main(["genotype", "show", "eagan", "--json"]) == 0
    assert Genotype.from_json(capsys.readouterr().out).rows == tuple(map(tuple, EAGAN))


def test_show_of_a_run_gives_either_network(run, capsys):
    assert main(["genotype", "show", "mine", "--root", str(run)]) == 0
    assert PUBLISHED["cagan_top1"].genotype.content_hash in capsys.readouterr().out
    assert main(["genotype", "show", "mine", "--root", str(run), "--network", "discriminator"]) == 0
    assert PUBLISHED["adversarialnas_discriminator"].genotype.content_hash in capsys.readouterr().out


def test_list_has_every_published_genotype(capsys):
    assert main(["genotype", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(PUBLISHED)
    assert "8,846,851" in lines[0]


def test_list_as_json_has_the_same(capsys):
    assert main(["genotype", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["genotypes"]
    assert {row["name"]: row["parameters"] for row in rows}["ewsgan"] == 13_766_915


def test_convert_goes_to_the_released_format_and_back(tmp_path, capsys):
    released, ours = tmp_path / "best.npy", tmp_path / "best.json"
    assert main(["genotype", "convert", "eagan", str(released)]) == 0
    assert np.load(released, allow_pickle=False).tolist() == EAGAN
    assert main(["genotype", "convert", str(released), str(ours)]) == 0
    assert Genotype.load(ours).rows == tuple(map(tuple, EAGAN))
    assert capsys.readouterr().out.splitlines() == [str(released), str(ours)]


@pytest.mark.parametrize(("name", "beginning"), [("x.png", b"\x89PNG"), ("x.svg", b"<?xml")])
def test_draw_makes_a_picture(name, beginning, tmp_path):
    file = tmp_path / name
    assert main(["genotype", "draw", "adversarialnas", str(file), "--compare", "eagan"]) == 0
    assert file.read_bytes().startswith(beginning)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("show nobody", "unknown genotype 'nobody': neither published (adversarialnas, "),
        ("show nowhere.json", "nowhere.json: no such file"),
        ("draw eagan x.gif", "x.gif: unknown suffix '.gif'"),
        ("convert eagan x.txt", "unknown suffix '.txt'"),
        ("convert eagan nowhere/x.npy", "nowhere/x.npy: No such file or directory; name a file in a folder"),
        ("draw eagan x.png --compare adversarialnas_discriminator", "a generator cannot be compared with a"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(words, part, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["genotype", *words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"advnas: {part}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
