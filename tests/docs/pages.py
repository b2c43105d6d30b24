"""What a page of the documentation refers to, and what of that does not exist."""

import ast
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

import advnas
from orchestrator.cli.command_line import parse
from orchestrator.cli.commands import COMMANDS
from orchestrator.cli.replay_table import OF_DRAWS
from orchestrator.config.experiment import Experiment, experiment_of
from orchestrator.config.files import PRESETS, SWEEPS, read_source
from orchestrator.config.overrides import options
from orchestrator.config.selection import SelectionConfig
from orchestrator.sweep.config import SweepConfig, load_sweep
from search_space.errors import UserError

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "advnas", "benchmarks", "configs", "deploy", "docs", "orchestrator", "search_space", "tests", "trainers",
)  # fmt: skip

PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})/[\w./-]*(?P<placeholder>[<{{*])?")
COMMAND = re.compile(r"\s*(?:\w+=\S+ +)*(?:advnas|python -m orchestrator)(?= |$)(?P<words>.*)")
OPTION = re.compile(r"(?:--)?(?P<name>[a-z_]+(?:\.[a-z0-9_]+)+)(?![\w<{*/(])")
FILE = re.compile(r".*\.(py|md|ya?ml|json|csv|npz|npy|parquet|pt|png|db|txt|log)")
MISSING = "...", "…"
"""Words that stand for others."""


def mistakes(page: Path, text: str) -> list[str]:
    """Links, paths, commands and options of a page that do not exist, a line each."""
    return [
        *broken_links(page, text),
        *absent_paths(text),
        *wrong_commands(text),
        *unknown_options(text),
        *wrong_python(text),
    ]


def broken_links(page: Path, text: str) -> Iterator[str]:
    """Links and images whose file, or heading in it, does not exist."""
    for token in _tokens(text):
        target = str(token.attrs.get("href") or token.attrs.get("src") or "")
        if not target or re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        if not file.exists() and name:
            yield f"{target}: no such file"
        elif anchor and anchor not in _anchors(file.read_text(encoding="utf-8") if name else text):
            yield f"{target}: no such heading"


def absent_paths(text: str) -> Iterator[str]:
    """Paths in code that begin with a folder of the project and do not exist."""
    for code in (*_spans(text), *_blocks(text)):
        for found in PATH.finditer(code):
            path = found[0].rstrip("<{*.")
            if found["placeholder"]:
                path = path.rpartition("/")[0]
            if not Path(path).stem.isupper() and not (ROOT / path).exists():
                yield f"{path}: no such file"


def commands(text: str) -> Iterator[list[str]]:
    """The commands in a page's code blocks, as words behind `advnas`."""
    for block in _blocks(text):
        for line in block.replace("\\\n", " ").splitlines():
            if found := COMMAND.match(line):
                words = shlex.split(found["words"], comments=True)
                of_shell = next((at for at, word in enumerate(words) if word in (">", "|")), len(words))
                yield [word for word in words[:of_shell] if word not in MISSING]


def wrong_commands(text: str) -> Iterator[str]:
    """Commands in code blocks that advnas would refuse before it looks at files."""
    for words in commands(text):
        if said := _refusal(words):
            yield f"advnas {shlex.join(words)}: {said}"


def _refusal(words: Sequence[str]) -> str | None:
    try:
        parsed = parse(words)
        if parsed.command == "submit":
            return _refusal(parsed.words) if parsed.words else None
        if not COMMANDS[parsed.command].configured:
            return None
        known = _known(parsed.command, replay=bool(getattr(parsed, "replay", None)))
        if unknown := [name for name in parsed.overrides if name not in known]:
            return f"{', '.join(unknown)}: unknown option"
        if parsed.config in PRESETS:
            experiment_of(read_source(parsed.config), parsed.overrides)
        elif parsed.config in SWEEPS:
            load_sweep(parsed.config, parsed.overrides)
    except SystemExit:  # of --help
        return None
    except UserError as error:
        return str(error)
    return None


def _known(command: str, replay: bool) -> frozenset[str]:
    """Names of options, and of sections that a name alone stands for; today's, without former ones."""
    if replay:
        return frozenset((*options(SelectionConfig), *OF_DRAWS))
    models = (SweepConfig, Experiment) if command == "sweep" else (Experiment,)
    return frozenset(name for model in models for name in (*options(model), *options(model).kinds))


def unknown_options(text: str) -> Iterator[str]:
    """Dotted names in running text that begin with a section of a configuration and are no option."""
    known = _known("sweep", replay=False)
    sections = {name.split(".")[0] for name in known if "." in name}
    for span in _spans(text):
        for word in span.split():
            found = OPTION.match(word)
            if not found or FILE.fullmatch(found["name"]) or found["name"].split(".")[0] not in sections:
                continue
            name = found["name"]
            if name not in known and not any(other.startswith(f"{name}.") for other in known):
                yield f"{name}: unknown option"


def wrong_python(text: str) -> Iterator[str]:
    """Functions of advnas and options in blocks of Python that do not exist, and what is no Python."""
    known = options(Experiment)
    sections = {name.split(".")[0] for name in known if "." in name}
    for token in _tokens(text):
        if token.type != "fence" or token.info != "python":
            continue
        try:
            nodes = list(ast.walk(ast.parse(token.content)))
        except SyntaxError as error:
            yield f"{error.text}: {error.msg}"
            continue
        for node in nodes:
            match node:
                case ast.Attribute(ast.Name("advnas"), name) if name not in advnas.__all__:
                    yield f"advnas.{name}: no such function"
                case ast.Dict(keys):
                    names = [key.value for key in keys if isinstance(key, ast.Constant)]
                    unknown = {name for name in names if str(name).split(".")[0] in sections} - known.keys()
                    yield from (f"{name}: unknown option" for name in unknown)


@cache
def _tokens(text: str) -> tuple[Token, ...]:
    """All of a page, without nesting."""
    blocks = MarkdownIt().enable("table").parse(text)
    return tuple(inner for token in blocks for inner in (token, *(token.children or ())))


def _spans(text: str) -> Iterator[str]:
    return (token.content for token in _tokens(text) if token.type == "code_inline")


def _blocks(text: str) -> Iterator[str]:
    return (token.content for token in _tokens(text) if token.type in ("fence", "code_block"))


def _anchors(text: str) -> set[str]:
    """What the headings are called in links."""
    tokens = _tokens(text)
    titles = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}
