"""The picture of the packages in CONTRIBUTING.md is the one that the imports draw."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "draw_packages.py"

TYPES_ALONE = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import orchestrator.a.up\n"


def run(*arguments: str | Path) -> str:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=True
    ).stdout


def test_contributing_shows_the_packages_as_they_are():
    drawn, _, _ = run().rpartition("\n\n")
    assert "orchestrator_cli" in drawn
    assert drawn in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), (
        "run docs/draw_packages.py --write"
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Three packages: a runs b, both stand on trainers and search_space."""
    for name, content in {
        "orchestrator/a/up.py": "from orchestrator.b import down\nfrom trainers import loop\n",
        "orchestrator/b/down.py": "import trainers.metrics.score\n",
        "trainers/loop.py": TYPES_ALONE,
        "trainers/metrics/score.py": "import search_space.cell\n",
        "search_space/cell.py": "",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        for folder in [file.parent, *file.parent.parents]:
            if folder.is_relative_to(tmp_path) and folder != tmp_path:
                (folder / "__init__.py").touch()
    return tmp_path


def test_arrows_that_a_longer_way_implies_are_left_out(house: Path):
    drawn = run("--of", house)
    assert "orchestrator_a --> orchestrator_b" in drawn
    assert "orchestrator_b --> trainers_metrics" in drawn
    assert "orchestrator_a --> search_space" not in drawn
    assert "trainers --> orchestrator_a" not in drawn  # for type checkers alone
    assert "5 boxes, 4 floors, 4 arrows, circle: none" in drawn


def test_a_circle_is_named(house: Path):
    (house / "orchestrator/b/down.py").write_text("import orchestrator.a.up\n")
    _, _, circle = run("--of", house).partition("circle: ")
    assert set(circle.split()) == {"orchestrator.a", "->", "orchestrator.b"}
