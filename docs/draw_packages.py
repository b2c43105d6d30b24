"""Draws the packages and the imports between them, read from the source, as a Mermaid diagram.

    python docs/draw_packages.py             prints the diagram and its counts
    python docs/draw_packages.py --write     puts the diagram into CONTRIBUTING.md
    python docs/draw_packages.py --of FOLDER counts another checkout, such as an earlier commit's

A box is a package or a module directly below `orchestrator`, or a package below `trainers` or `search_space`;
the loose modules of those two share one box each. Imports that exist for type checkers alone are left out.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOTS = ("orchestrator", "trainers", "search_space")
PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"
BEGIN, END = "<!-- packages: begin -->\n", "<!-- packages: end -->\n"

LOOSE = {"trainers": "loops and settings", "search_space": "cells and genotypes"}
"""What the modules beside the packages are."""

Arrows = Mapping[str, frozenset[str]]
"""Box -> the boxes that it imports."""


def arrows(folder: Path) -> Arrows:
    """The boxes of a checkout and what each imports."""
    sys.path.insert(0, str(folder))
    graph = grimp.build_graph(*ROOTS, exclude_type_checking_imports=True, cache_dir=None)
    packages = {module.rpartition(".")[0] for module in graph.modules}
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        importer = box_of(module, packages)
        found.setdefault(importer, set()).update(
            box_of(imported, packages) for imported in graph.find_modules_directly_imported_by(module)
        )
    # A package and the loose modules beside it share a floor: `make layers` checks those file by file.
    return {
        box: frozenset(other for other in others - {box} if other != box.partition(".")[0])
        for box, others in found.items()
        if box != "orchestrator"
    }


def box_of(module: str, packages: set[str]) -> str:
    """The box that a module belongs to."""
    root, *below = module.split(".")
    child = ".".join([root, *below[:1]])
    return child if root == "orchestrator" or child in packages else root


def circles(of: Arrows) -> list[tuple[str, ...]]:
    """One circle, if there is any."""
    try:
        TopologicalSorter(of).prepare()
    except CycleError as error:
        return [tuple(error.args[1])]
    return []


def floors(of: Arrows) -> int:
    """Number of boxes on the longest way down; 0 where there is a circle."""
    if circles(of):
        return 0
    height: dict[str, int] = {}
    for box in TopologicalSorter(of).static_order():
        height[box] = 1 + max((height[other] for other in of.get(box, ())), default=0)
    return max(height.values())


def direct(of: Arrows) -> Iterator[tuple[str, str]]:
    """Arrows that no longer way down implies: the others would only blacken the picture."""
    below: dict[str, set[str]] = {}
    for box in TopologicalSorter(of).static_order():
        below[box] = set().union(*({other} | below[other] for other in of.get(box, ())), set())
    for box, others in sorted(of.items()):
        for other in sorted(others):
            if not any(other in below[between] for between in others):
                yield box, other


def diagram(of: Arrows) -> str:
    """The boxes and their direct arrows in Mermaid's language."""
    lines = ["```mermaid", "flowchart TD"]
    for root in ROOTS:
        lines.append(f"  subgraph {root}")
        for box in sorted(box for box in of if box.partition(".")[0] == root):
            label = (
                box.partition(".")[2] or "loops and settings" * (root == "trainers") or "cells and genotypes"
            )
            lines.append(f'    {_identifier(box)}["{label}"]')
        lines.append("  end")
    lines += [f"  {_identifier(box)} --> {_identifier(other)}" for box, other in direct(of)]
    return "\n".join([*lines, "```", ""])


def _identifier(box: str) -> str:
    return box.replace(".", "_").replace("__main__", "main")


def counts(of: Arrows) -> str:
    """One line: how large the house is."""
    found = circles(of)
    circle = " -> ".join(found[0]) if found else "none"
    number = sum(map(len, of.values()))
    return f"{len(of)} boxes, {floors(of) or '?'} floors, {number} arrows, circle: {circle}"


def with_diagram(page: str, drawn: str) -> str:
    """The page with its diagram replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{drawn}{END}{after}"


def main() -> None:
    """Print or write the diagram."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--of", type=Path, default=PAGE.parent)
    arguments = parser.parse_args()
    found = arrows(arguments.of)
    if not circles(found):
        drawn = diagram(found)
        print(drawn)
        if arguments.write:
            PAGE.write_text(with_diagram(PAGE.read_text(encoding="utf-8"), drawn), encoding="utf-8")
    print(counts(found))


if __name__ == "__main__":
    main()
