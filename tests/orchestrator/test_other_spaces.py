"""Published architectures of other spaces through the commands that users call."""

import json

import pytest
import torch

from orchestrator.__main__ import main
from orchestrator.artifacts.export import export_generator
from orchestrator.plots.genotype import draw
from search_space.genotype import GenotypeError
from search_space.networks.generator_file import load_generator
from search_space.zoo.published import PUBLISHED
from tests.orchestrator.trained import write_config

PARTNERS = {"autogan_a": "fixed", "e2gan": "eagan_cifar10", "alphagan_s": "eagan_stl10"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("name", PARTNERS)
def test_a_retraining_follows_the_space_of_its_genotype_and_leaves_a_generator_that_is_scored(
    name, runs, capsys
):
    config = write_config(runs / f"{name}.yaml", runs, genotype=name)
    words = ["--retrain.discriminator.architecture", PARTNERS[name], "--retrain.loss", "mmd"]
    assert main(["retrain", str(config), "--name", name, "--json", *words]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = {network: file["hash"] for network, file in result["genotypes"].items()}
    expected = {"generator": name, "discriminator": PARTNERS[name]}
    if PARTNERS[name] == "fixed":
        del expected["discriminator"]
    assert found == {net: PUBLISHED[each].genotype.content_hash for net, each in expected.items()}

    generator, genotype = load_generator(runs / name / "retrain" / "generator.pt")
    assert genotype == PUBLISHED[name].genotype
    assert generator.config.latent_parts == 1
    images = generator(torch.randn(2, generator.config.latent_dim))
    assert images.shape == (2, 1, 16, 16)

    assert main(["evaluate", str(config), "--of", name, "--json"]) == 0
    assert "fd_digits" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["e2gan", "alphagan_s"])
def test_a_generator_is_exported(name, runs, tmp_path):
    generator, genotype = load_generator(runs / name / "retrain" / "generator.pt")
    exported = export_generator(generator, genotype, tmp_path / "generator.pt2")
    assert exported.difference < 1e-4


def test_a_generators_genotype_is_no_discriminator(runs, capsys):
    config = write_config(runs / "wrong.yaml", runs, genotype="autogan_a")
    file = runs / "generator.json"
    PUBLISHED["autogan_b"].genotype.save(file)
    for given, complaint in (
        (str(file), "is a generator's; use fixed, derived, or name a discriminator's"),
        (
            "autogan_b",
            "must be one of fixed, derived, adversarialnas_discriminator, autogan_d, eagan",
        ),
    ):
        assert main(["retrain", str(config), "--retrain.discriminator.architecture", given]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert complaint in line


def test_the_list_can_be_of_one_space(capsys):
    assert main(["genotype", "list", "--space", "autogan", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["genotypes"]
    assert [row["name"] for row in rows] == ["autogan_a", "autogan_b", "autogan_c", "e2gan"]
    assert {row["space"] for row in rows} == {"autogan"}


def test_show_names_genes_of_blocks_and_skips_from_earlier_cells(capsys):
    main(["genotype", "show", "e2gan", "--channels", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("generator of autogan ")
    assert lines[2:5] == ["cell 1", "  conv  post", "  norm  batch"]
    main(["genotype", "show", "alphagan_l", "--channels", "2"])
    assert "  s1  cell 2: 1 -> 4  nearest" in capsys.readouterr().out.splitlines()


def labels(figure):
    named = {artist.get_gid(): artist for artist in figure.findobj() if artist.get_gid()}
    return {gid.removesuffix("-label"): a.get_text() for gid, a in named.items() if gid.endswith("-label")}


def test_a_drawing_has_every_choice_and_where_another_differs():
    one, two = PUBLISHED["alphagan_s"].genotype, PUBLISHED["alphagan_l"].genotype
    shown = list(labels(draw(one, two)).values())
    for names, others in zip(one.cells, two.cells, strict=True):
        for here, there in zip(names, others, strict=True):
            text = shown.pop(0)
            assert text.split() == ([here] if here == there else [here, "≠", there])
    assert shown == []


def test_genotypes_of_two_spaces_are_not_drawn_as_one():
    with pytest.raises(GenotypeError, match="the space autogan cannot be compared with one of alphagan"):
        draw(PUBLISHED["autogan_a"].genotype, PUBLISHED["alphagan_s"].genotype)


def test_cells_of_different_lengths_fit_no_npy(tmp_path):
    with pytest.raises(GenotypeError, match=r"cells of different lengths fit no \.npy; save a \.json file"):
        PUBLISHED["autogan_a"].genotype.save(tmp_path / "genotype.npy")


def test_rows_of_eagans_space_go_through_npy_with_their_minus_ones(tmp_path):
    genotype = PUBLISHED["eagan_cifar10"].genotype
    genotype.save(tmp_path / "genotype.npy")
    assert genotype.load(tmp_path / "genotype.npy", space="eagan") == genotype


@pytest.mark.parametrize(
    ("space", "strategy", "message"),
    [
        (
            "autogan",
            "adversarial",
            'search.strategy.name = "adversarial": the supernet of the space autogan computes single paths, '
            "no mixtures; use random or one_shot",
        ),
        (
            "alphagan",
            "adversarial",
            "search.strategy.opponent: the space alphagan has no discriminators; use fixed",
        ),
        (
            "eagan",
            "random",
            'search.space = "eagan": the space eagan has no generator; choose another one',
        ),
    ],
)
def test_a_space_that_a_strategy_cannot_search_is_refused_with_the_cure(space, strategy, message, capsys):
    words = ["--search.space", space, "--search.strategy.name", strategy]
    assert main(["search", "digits", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"advnas: {message}"


@pytest.mark.parametrize("space", ["autogan", "alphagan"])
def test_random_search_draws_in_the_spaces_of_others(space, runs, capsys):
    config = write_config(runs / f"{space}.yaml", runs)
    words = ["--search.space", space, "--search.strategy.name", "random"]
    assert main(["search", str(config), "--name", f"random-{space}", "--json", *words]) == 0
    capsys.readouterr()
    file = runs / f"random-{space}" / "search" / "genotype_generator.json"
    assert json.loads(file.read_text())["space"] == space
