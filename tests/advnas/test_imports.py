"""`import advnas` in folders that have packages of the project's names."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.orchestrator.trained import write_config

ROOT = Path(__file__).parents[2]
NAMES = ("configs", "orchestrator", "search_space", "trainers")

BOTH_ARE_THERE = """
import json, sys
import trainers, orchestrator           # the user's, before advnas
import advnas
before = sorted(name for name in sys.modules if name in ("torch", "mlflow", "ray", "pandas"))
genotype = advnas.load_genotype("autogan_a")
import configs, search_space            # the user's, after it
from trainers.config import value
import pickle
print(json.dumps({
    "mine": [configs.owner, orchestrator.owner, search_space.owner, trainers.owner, value],
    "heavy": before,
    "module": type(genotype).__module__,
    "file": sys.modules["advnas.search_space"].__file__,
    "pickled": pickle.loads(pickle.dumps(genotype)) == genotype,
    "steps": advnas.load_config("digits", {"search.steps": 20}).search.steps,
    "primitives": [list(cell) for cell in genotype.cells],
}))
"""

A_COMMAND = """
import trainers, orchestrator
from advnas.orchestrator.__main__ import main
assert main(["genotype", "show", "autogan_b", "--json"]) == 0
"""

A_PIPELINE = """
import trainers, search_space, orchestrator
import advnas
done = advnas.pipeline("small.yaml", {"name": "mine"}, progress=False)
print(done.model, sorted(done.metrics))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder with four packages of the project's names."""
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"owner = 'user of {name}'\n")
    (tmp_path / "trainers" / "config.py").write_text("value = 'my own setting'\n")
    return tmp_path


def run(script: str, folder: Path, installed: Path) -> str:
    """Run a script of the folder; return its last line."""
    (folder / "script.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def require_both(folder: Path, installed: Path) -> None:
    """Fail unless user and project find their own packages."""
    said = json.loads(run(BOTH_ARE_THERE, folder, installed))
    assert said["mine"] == [*(f"user of {name}" for name in NAMES), "my own setting"]
    assert said["heavy"] == []
    assert said["module"] == "advnas.search_space.genotype"
    assert said["file"] == str(installed / "search_space" / "__init__.py")
    assert said["pickled"]
    assert said["steps"] == 20
    assert said["primitives"][0] == ["pre", "none", "nearest", "conv_1x1"]  # AutoGAN, figure 3


def test_both_find_their_own_packages(folder: Path):
    require_both(folder, ROOT)


def test_the_command_runs_there_as_it_is_installed(folder: Path):
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"advnas": "advnas.orchestrator.__main__:main"}
    assert json.loads(run(A_COMMAND, folder, ROOT))["parameters"] == 4_471_043  # as published


@pytest.mark.slow
def test_a_pipeline_runs_and_registers_its_generator_there(folder: Path):
    write_config(folder / "small.yaml", folder / "runs")
    assert run(A_PIPELINE, folder, ROOT) == (
        "models:/advnas-generator/1 ['fd_digits', 'is_digits_mean', 'is_digits_std']"
    )


@pytest.mark.slow
def test_an_installed_wheel_finds_its_own_packages(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    built = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", built, ROOT], check=True
    )
    [wheel] = built.glob("advnas-*.whl")
    zipfile.ZipFile(wheel).extractall(built / "site-packages")
    assert (built / "site-packages" / "advnas" / "py.typed").is_file()
    require_both(folder, built / "site-packages")
