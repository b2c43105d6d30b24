"""Whatever reads a file here cannot be made to run what stands in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
FILES = [
    file for room in ("orchestrator", "search_space", "trainers") for file in (PROJECT / room).rglob("*.py")
]

NEEDS = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
"""Calls that are safe with this keyword only."""

NEVER = {
    "pickle.load", "eval", "exec", "compile", "os.system", "yaml.unsafe_load", "yaml.full_load",
    "joblib.load", "mlflow.pyfunc.load_model", "np.lib.format.open_memmap",
}  # fmt: skip

KNOWN = {
    (
        "orchestrator/cluster/report_channel.py",
        "pickle.loads",
    ),  # between processes of one run, which share a token
    ("orchestrator/config/files.py", "yaml.load"),  # with a loader made from the safe one
}
"""Exceptions, each with its reason."""


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Call):
            yield ast.unparse(node.func), node


def unsafe(file: Path) -> Iterator[str]:
    place = file.relative_to(PROJECT).as_posix()
    for name, call in calls(file):
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name in NEEDS:
            keyword, value = NEEDS[name]
            if keywords.get(keyword) != str(value):
                yield f"{place}:{call.lineno} {name} without {keyword}={value}"
        shell = keywords.get("shell", "False") != "False"
        unpickles = name in {*NEVER, "pickle.loads", "yaml.load"} and (place, name) not in KNOWN
        if unpickles or shell:
            yield f"{place}:{call.lineno} {name}"


def test_no_file_is_read_in_a_way_that_runs_it():
    assert [line for file in FILES for line in unsafe(file)] == []


def test_the_exceptions_are_still_there():
    assert {
        (file.relative_to(PROJECT).as_posix(), name) for file in FILES for name, _ in calls(file)
    } >= KNOWN


def test_the_search_finds_what_it_looks_for(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.contracts.test_safe_loading.PROJECT", tmp_path)
    bad = tmp_path / "bad.py"
    bad.write_text(
        "torch.load(x)\nnp.load(x, allow_pickle=True)\npickle.loads(x)\nrun(x, shell=True)\nyaml.load(x)"
    )
    assert len(list(unsafe(bad))) == 5
