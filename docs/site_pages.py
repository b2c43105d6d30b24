"""Pages of the site that are made from the code, from notebooks, and from files outside this folder.

MkDocs calls `on_files` and `on_page_markdown` (see mkdocs.yml). Pages that are files here stay as they are,
but for links to files that are no pages: those become plain text.
"""

import base64
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pydantic import BaseModel

from orchestrator.cli.arguments import Parser
from orchestrator.cli.commands import COMMANDS
from orchestrator.cli.help.option_help import in_words
from orchestrator.config.description import sections
from orchestrator.config.experiment import Experiment
from orchestrator.config.files import FOLDER, PRESETS, SWEEPS
from orchestrator.sweep.config import SweepConfig

ROOT = Path(__file__).parents[1]
COLUMNS = "90"
"""The width of the help of commands."""

ELSEWHERE = {
    "index.md": "README.md",
    "architecture.md": "CONTRIBUTING.md",
    "measurements.md": "benchmarks/README.md",
    "changelog.md": "CHANGELOG.md",
}
"""Page of the site -> its file in the repository, where that lies outside this folder."""

API = {
    "Configurations and runs": (
        "advnas.load_config", "advnas.search", "advnas.select", "advnas.retrain", "advnas.evaluate",
        "advnas.pipeline",
    ),
    "Architectures, networks, images": (
        "advnas.load_genotype", "advnas.published", "advnas.build_generator", "advnas.build_discriminator",
        "advnas.load_generator", "advnas.generate",
    ),
    "Results as tables": ("advnas.compare", "advnas.curves"),
    "What they return": (
        "search_space.genotype.Genotype", "orchestrator.artifacts.generators.TrainedGenerator",
        "orchestrator.stages.results.Searched", "orchestrator.selection.stage.Selected",
        "orchestrator.stages.results.Retrained", "orchestrator.stages.results.Evaluated",
        "orchestrator.pipeline.PipelineResult", "orchestrator.pipeline.StageResults",
        "orchestrator.stages.results.Trained", "orchestrator.stages.results.RunIdentity",
        "orchestrator.stages.results.GenotypeFile", "search_space.errors.UserError",
    ),
}  # fmt: skip
"""Heading -> the objects below it, whose docstrings mkdocstrings renders."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages; leave out what is no part of the site."""
    for file in list(files):
        if file.src_uri.endswith((".py", ".ipynb")):
            files.remove(file)
    for name, made in generated().items():
        files.append(File.generated(config, name, content=made))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Let links lead to pages of the site, whatever folder their file was written for."""
    source = ELSEWHERE.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    here = Path(page.file.src_uri).parent
    return re.sub(
        r"(!?)\[([^\]]*)\]\(([^)\s:]+)\)",
        lambda link: _linked(link, Path(source).parent, here, files),
        _packages_as_table(markdown),
    )


def _linked(link: re.Match[str], folder: Path, here: Path, files: Files) -> str:
    image, text, target = link.groups()
    name, _, anchor = target.partition("#")
    if not name:
        return link[0]
    in_repository = os.path.normpath(folder / name)
    pages = {file: page for page, file in ELSEWHERE.items()}
    uri = pages.get(in_repository, in_repository.removeprefix("docs/").replace(".ipynb", ".md"))
    if files.get_file_from_path(uri) is None:
        return text
    return f"{image}[{text}]({os.path.relpath(uri, here)}{f'#{anchor}' if anchor else ''})"


def _packages_as_table(markdown: str) -> str:
    """The diagram of CONTRIBUTING.md without the script that draws it, which would come from a network."""
    return re.sub(
        r"```mermaid\n(.*?)```", lambda drawn: "\n".join(_arrows(drawn[1])), markdown, flags=re.DOTALL
    )


def _arrows(diagram: str) -> Iterator[str]:
    imports: dict[str, list[str]] = {}
    for importer, imported in re.findall(r"(\w+) --> (\w+)", diagram):
        imports.setdefault(importer, []).append(f"`{imported}`")
    yield from ("| package | imports |", "|---|---|")
    yield from (f"| `{importer}` | {', '.join(others)} |" for importer, others in imports.items())


def generated() -> dict[str, str | bytes]:
    """Path of a page or image -> its content."""
    pages: dict[str, str | bytes] = {
        page: (ROOT / file).read_text(encoding="utf-8") for page, file in ELSEWHERE.items()
    }
    pages["glossary.md"] = _glossary(str(pages["architecture.md"]))
    for name, make in REFERENCE.items():
        pages[f"reference/{name}.md"] = "\n".join(make()) + "\n"
    for notebook in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        pages |= notebook_page(notebook)
    return pages


def _glossary(contributing: str) -> str:
    """The table of CONTRIBUTING.md as a page."""
    _, _, below = contributing.partition("## Glossary\n")
    return f"# Glossary\n{below.partition('## ')[0]}"


def options_page(title: str, model: type[BaseModel], name: str) -> Iterator[str]:
    """A table for each section of a configuration."""
    yield from (f"# {title}", "", "This page is generated from the code.", "")
    for section in sections(model, name):
        yield from (f"## {section.title}", "", section.about, "")
        if section.options:
            yield from ("| option | type | default | meaning |", "|---|---|---|---|")
        for option in section.options:
            default = "required" if option.required else f"`{in_words(option.default)}`"
            yield f"| `{option.name}` | {_cell(option.kind)} | {_cell(default)} | {_cell(option.about)} |"
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def commands_page() -> Iterator[str]:
    """The help of every command, as the terminal shows it."""
    os.environ["COLUMNS"] = COLUMNS
    yield from ("# Commands", "", "This page shows the help of every command.", "")
    for name, command in COMMANDS.items():
        parser = Parser(prog=f"advnas {name}")
        command.load().add_arguments(parser, name)
        yield from (f"## advnas {name}", "", "```text", parser.format_help().rstrip(), "```", "")


def presets_page() -> Iterator[str]:
    """Every file of `configs/`, with its comments."""
    yield from ("# Presets", "", "Each preset is a complete configuration.", "")
    for name in (*PRESETS, *SWEEPS):
        text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
        yield from (f"## {name}", "", "```yaml", text.rstrip(), "```", "")


def api_page() -> Iterator[str]:
    """The objects of `API`."""
    yield from ("# Python API", "", "Every function is an attribute of `advnas`.", "")
    for heading, names in API.items():
        yield from (f"## {heading}", "")
        for name in names:
            yield from (f"::: {name}", "")


REFERENCE: Mapping[str, Callable[[], Iterator[str]]] = {
    "options": lambda: options_page("Options of a run", Experiment, "run"),
    "sweep_options": lambda: options_page("Options of a sweep", SweepConfig, "sweep"),
    "commands": commands_page,
    "presets": presets_page,
    "api": api_page,
}
"""Page below `reference/` -> its lines."""


def notebook_page(path: Path) -> dict[str, str | bytes]:
    """The cells and recorded outputs of a notebook as a page, with its images."""
    files: dict[str, str | bytes] = {}
    lines = []
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
        lines += [cell.source, ""] if cell.cell_type == "markdown" else _code(cell)
        for at, output in enumerate(cell.get("outputs", ())):
            if "image/png" in output.get("data", {}):
                name = f"{path.stem}-{number}-{at}.png"
                files[f"notebooks/{name}"] = base64.b64decode(output.data["image/png"])
                lines += [f"![Output of the cell above]({name})", ""]
            elif text := _text(output):
                lines += ["```text", text.rstrip(), "```", ""]
    files[f"notebooks/{path.stem}.md"] = "\n".join(lines)
    return files


def _code(cell: Any) -> list[str]:
    return ["```python", cell.source, "```", ""]


def _text(output: Any) -> str:
    text = str(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return re.sub(r"\x1b\[[\d;]*m", "", text)  # colours of a terminal
