"""A word means one thing to each command, and where it fits several the order of the kinds decides."""

from pathlib import Path
from typing import get_args

import pytest

from orchestrator.artifacts.resolve import RULES, Kind, Meant, resolve, search_folders, selection_folders


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With runs that have searched, selected and only begun, and a sweep; a folder of images beside it."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "runs"
    for file in (
        "searched/0a1b/search/genotype_generator.json",
        "selected/select/genotype_generator.json",
        "eagan/search/genotype_generator.json",
        "swept/trials.parquet",
        "begun/notes.txt",
    ):
        (root / file).parent.mkdir(parents=True)
        (root / file).touch()
    (tmp_path / "images" / "cats").mkdir(parents=True)
    return root


KINDS = (
    ("eagan", {"published", "searched run", "run", "anything there"}),
    ("adversarialnas", {"published"}),
    ("runs:/0a1b", {"address"}),
    ("models:/mine/1", {"address"}),
    ("models:/mine@best", {"address"}),
    ("missing/mine.json", {"genotype file"}),
    ("best.npy", {"genotype file"}),
    ("generator.pt", {"generator file"}),
    ("best.pth", {"checkpoint"}),
    ("cifar10.npz", {"statistics"}),
    ("images", {"folder", "anything there"}),
    ("images/cats", {"folder", "anything there"}),
    ("searched", {"searched run", "run", "anything there"}),
    ("selected", {"selected run", "run", "anything there"}),
    ("begun", {"run", "anything there"}),
    ("swept", {"sweep", "run", "anything there"}),
    ("searched/0a1b", {"searched run", "anything there"}),
    ("nobody", set()),
)


@pytest.mark.parametrize(("word", "kinds"), KINDS)
def test_a_word_fits_exactly_these_kinds(root: Path, word: str, kinds: set[Kind]) -> None:
    assert {kind for kind in get_args(Kind) if resolve(word, root, (kind,))} == kinds


def test_every_kind_has_a_rule_and_a_word_above_that_fits_it() -> None:
    assert set(RULES) == set(get_args(Kind)) == set().union(*(kinds for _, kinds in KINDS))


def test_where_a_word_fits_several_kinds_the_first_counts(root: Path) -> None:
    assert resolve("eagan", root, ("published", "searched run")) == Meant("published", Path("eagan"))
    assert resolve("eagan", root, ("searched run", "published")) == Meant("searched run", root / "eagan")


def test_runs_and_sweeps_are_in_the_root_and_files_where_the_word_says(root: Path) -> None:
    cases: tuple[tuple[Kind, str, Path], ...] = (
        ("run", "begun", root / "begun"),
        ("sweep", "swept", root / "swept"),
        ("selected run", "selected", root / "selected"),
        ("folder", "images/cats", Path("images/cats")),
        ("checkpoint", "best.pth", Path("best.pth")),
    )
    for kind, word, path in cases:
        assert resolve(word, root, (kind,)) == Meant(kind, path)


def test_a_path_to_a_folder_in_the_root_is_not_the_name_of_a_run(root: Path) -> None:
    assert resolve(str(root / "begun"), root, ("run", "folder")) == Meant("folder", root / "begun")


def test_a_search_and_a_selection_are_kept_apart(root: Path) -> None:
    assert search_folders(root / "searched") == [root / "searched" / "0a1b" / "search"]
    assert selection_folders(root / "searched") == search_folders(root / "selected") == []
    assert selection_folders(root / "selected") == [root / "selected" / "select"]
