"""Links, paths, commands and options in the documentation exist, by today's names."""

from pathlib import Path

import nbformat
import pytest

from tests.docs.pages import FOLDERS, ROOT, commands, mistakes

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_refers_to_nothing_that_does_not_exist(page: Path):
    assert mistakes(page, page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_refers_to_nothing_that_does_not_exist_and_shows_its_results(notebook: Path):
    cells = nbformat.read(notebook, as_version=4).cells
    text = "\n\n".join(
        cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```" for cell in cells
    )
    assert "advnas.pipeline" in text
    assert mistakes(notebook, text) == []
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)


def test_the_pages_and_their_commands_are_found():
    assert {notebook.stem for notebook in NOTEBOOKS} == {"first_search", "own_images"}
    assert len(PAGES) >= 9
    assert all((ROOT / folder).is_dir() for folder in FOLDERS)
    readme = list(commands((ROOT / "README.md").read_text(encoding="utf-8")))
    assert ["pipeline", "digits", "--name", "first"] in readme
    [submitted] = [words for words in readme if "submit" in words and "--" in words]
    assert submitted[-2:] == ["--cluster.use_gpu", "true"]  # from a second line, without its comment


SOUND = """# A page

`search.strategy.tau_end` and `--cluster.num_workers 4` are options,
`compute.*` and `search.strategy` sections, `search.py` is a file,
[cluster](docs/cluster.md#elastic-workers) and [above](#a-page) are links, and
`orchestrator/cli/` and `trainers/strategies/<name>.py` are paths.

```
RAY_AUTH_MODE=token advnas submit --address URL -- search cifar10 --root /shared ...   # it's a comment
advnas search my_run.yaml --search.strategy random \\
    --search.strategy.parameters 300000
advnas sweep my_sweep.yaml --budget.trials 3 --search.steps 20
advnas select --replay curves.csv --keep 0.5
advnas search --help
advnas search digits --dry-run > my_run.yaml
```

```python
advnas.search("digits", {"search.steps": 20, "name": "first"}).figures
```
"""


def test_a_sound_page_has_no_mistakes():
    assert mistakes(ROOT / "PAGE.md", SOUND) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("    advnas search my_run.yaml --search.tempo 3", "search.tempo: unknown option"),
        (
            "    advnas search digits --search.tau_end 0.2",
            "search.tau_end: unknown option",
        ),  # its former name
        ("    python -m orchestrator search digits --compute.backend fast", "compute.backend"),
        ("    advnas sweep sweep_digits --budget.trails 3", "budget.trails: unknown option"),
        ("    advnas select --replay curves.csv --search.steps 3", "search.steps: unknown option"),
        (
            "    advnas submit --address URL -- retrain digits --retrain.pace 3",
            "retrain.pace: unknown option",
        ),
        ("    advnas evaluate digits --agianst folder", "did you mean --against?"),
        ("    advnas generate mine --out grid.png --colour red", "--colour"),
        ("    advnas serach digits", "did you mean search?"),
        ("Set `--compute.form direct`.", "compute.form: unknown option"),
        ("| option |\n|---|\n| `search.relaxation` |", "search.relaxation: unknown option"),
        ("[more](docs/absent.md)", "docs/absent.md: no such file"),
        ("![image](docs/absent.png)", "docs/absent.png: no such file"),
        ("[more](docs/cluster.md#absent)", "docs/cluster.md#absent: no such heading"),
        ("[below](#absent)", "#absent: no such heading"),
        ("As in `tests/docs/test_absent.py`.", "tests/docs/test_absent.py: no such file"),
        ("    pytest tests/integration/test_failures.py", "tests/integration/test_failures.py: no such file"),
        ("```python\nadvnas.serach(config)\n```", "advnas.serach: no such function"),
        ("```python\nload({'search.stepz': 2})\n```", "search.stepz: unknown option"),
        ("```python\nprint(\n```", "was never closed"),
    ],
)
def test_a_page_that_names_something_else_is_told_so(wrong: str, said: str):
    [mistake] = mistakes(ROOT / "PAGE.md", f"# Page\n\n{wrong}\n")
    assert said in mistake
