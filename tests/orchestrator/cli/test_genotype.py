import json

import numpy as np
import pytest
import torch

from orchestrator.__main__ import main
from orchestrator.jobs.worker import run_worker
from search_space.genotype import Genotype, build
from search_space.zoo.published import PUBLISHED
from tests.orchestrator.tiny_jobs import tiny_job

CPU = torch.device("cpu")
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
    lines, costs = lines[: 2 + 3 * 8], lines[2 + 3 * 8 :]
    assert lines[0].startswith("generator ")
    assert lines[1] == f"rows {EAGAN}"
    assert lines[2:5] == ["cell 1", "  e0  0 -> 1  bilinear", "  e1  0 -> 2  bilinear"]
    assert lines[-1] == "  e6  3 -> 4  conv_3x3"
    assert costs[1].split() == ["parameters", "7,142,403"]


def test_show_as_json_has_the_genotype_and_its_cost(capsys):
    widths = ("--channels", "8", "--bottom-width", "2", "--latent-parts", "2")
    assert main(["genotype", "show", "eagan", "--json", *widths]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert Genotype.model_validate(shown["genotype"]).rows == tuple(map(tuple, EAGAN))
    assert (shown["widths"]["channels"], shown["widths"]["latent_parts"]) == (8, 2)
    assert {"parameters", "multiply_adds", "seconds", "threads"} < set(shown)


def test_show_of_a_run_gives_either_network(run, capsys):
    assert main(["genotype", "show", "mine", "--root", str(run)]) == 0
    assert PUBLISHED["cagan_top1"].genotype.content_hash in capsys.readouterr().out
    assert main(["genotype", "show", "mine", "--root", str(run), "--network", "discriminator"]) == 0
    assert PUBLISHED["adversarialnas_discriminator"].genotype.content_hash in capsys.readouterr().out


@pytest.mark.parametrize("space", ["adversarialnas", "autogan", "alphagan"])
def test_the_cost_of_a_runs_network_is_told_at_the_runs_own_width(space, tmp_path, capsys):
    job = tiny_job(tmp_path, search__space=space, search__strategy="random")
    outcome = run_worker(job, lambda _: None, CPU)
    outcome.genotypes["generator"].save(job.folder / "genotype_generator.json")
    assert main(["genotype", "show", "run", "--root", str(tmp_path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    own = job.config.generator
    # What cuts z in no part says so, whatever its run is configured for.
    parts = own.latent_parts if space == "adversarialnas" else 1
    assert shown["widths"] == {**own.model_dump(), "latent_parts": parts}
    assert shown["genotype"]["space"] == space
    network = build(Genotype.model_validate(shown["genotype"]), own)
    assert shown["parameters"] == sum(parameter.numel() for parameter in network.parameters())


def test_list_has_every_published_genotype_with_its_score(capsys):
    assert main(["genotype", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(PUBLISHED)
    assert "8,846,851" in lines[0]
    assert "cifar10  FID 10.87  IS 8.74 +- 0.07   50,000 samples" in lines[1]


def test_list_as_json_has_the_same(capsys):
    assert main(["genotype", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["genotypes"]}
    assert rows["ewsgan"]["parameters"] == 13_766_915
    assert [result["fid"] for result in rows["eagan"]["results"]] == [9.91]
    assert rows["cagan_top2"]["results"] == []


def test_results_stand_by_data_set_with_their_protocol(capsys):
    assert main(["genotype", "list", "--results"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == ["cifar10", "stl10"]
    (autogan,) = [line for line in lines if "AutoGAN" in line and "12.42" in line]
    assert "FID to the 50,000 training images" in autogan
    assert main(["genotype", "list", "--results", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["results"]
    assert len(rows) == len(lines) - 2
    assert all(row["protocol"] and row["source"] for row in rows)


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
        ("show eagan --latent-parts 7", "latent_parts: there are 3 cells to feed; use 1 to 3"),
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
