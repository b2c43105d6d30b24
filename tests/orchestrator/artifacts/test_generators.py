"""A generator by whatever name the user has for it."""

from pathlib import Path

import pytest
import torch

from orchestrator.artifacts.generators import find_generator, retrained_generator
from search_space.errors import UserError
from tests.orchestrator.trained import CONFIG, GENOTYPE, save_released, save_trained, trained

LATENTS = torch.randn(2, CONFIG.latent_dim, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """With a run `mine` that has retrained, and one `begun` that has not."""
    save_trained(tmp_path / "runs" / "mine" / "0a1b2c3d" / "retrain" / "generator.pt")
    (tmp_path / "runs" / "begun").mkdir()
    save_released(tmp_path / "best.pth")
    return tmp_path / "runs"


def test_runs_files_and_released_checkpoints_are_the_same_generator(root: Path) -> None:
    file = root / "mine" / "0a1b2c3d" / "retrain" / "generator.pt"
    for source, genotype, run in (
        ("mine", None, "mine"),
        (str(file), None, None),
        (str(root.parent / "best.pth"), "eagan", None),
    ):
        found = find_generator(source, root, "", genotype)
        assert (found.genotype, found.run) == (GENOTYPE, run)
        assert not found.network.training
        assert torch.equal(found.network(LATENTS), trained()(LATENTS))


def test_of_several_retrainings_the_newest_counts(root: Path) -> None:
    save_trained(root / "mine" / "retrain" / "generator.pt")
    assert retrained_generator(root / "mine") == root / "mine" / "retrain" / "generator.pt"


def test_the_run_that_a_selection_ships_is_found_and_its_other_candidates_are_not(root: Path) -> None:
    shipped = save_trained(root / "chosen" / "0a1b2c3d" / "select" / "generator.pt")
    save_trained(root / "chosen" / "0a1b2c3d" / "select" / "4c7f07244622" / "seed-0" / "generator.pt")
    assert find_generator("chosen", root, "", None).file == shipped


@pytest.mark.parametrize(
    ("source", "genotype", "part"),
    [
        ("nobody", None, "nobody: no trained generator of that name; give the name of a run in"),
        ("begun", None, "begun: no retrained generator there; run `advnas retrain` or `pipeline` first"),
        ("absent.pt", None, "absent.pt: No such file or directory"),
        ("absent.pth", "eagan", "absent.pth: No such file or directory"),
        ("best.pth", None, "best.pth: a released checkpoint does not say its architecture; name it with"),
        ("best.pth", "nobody", "unknown genotype 'nobody'"),
        ("best.pth", "adversarialnas_discriminator", "--genotype = adversarialnas_discriminator: is a"),
        ("best.pth", "adversarialnas", "best.pth: "),
    ],
)
def test_a_mistake_is_one_line(
    source: str, genotype: str | None, part: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    with pytest.raises(UserError) as mistake:
        find_generator(source, root, "", genotype)
    assert part in str(mistake.value)
    assert "\n" not in str(mistake.value)
