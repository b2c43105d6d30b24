"""The HTML page of a comparison: tables, figures, images as PNG in base64, drawings as SVG."""

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import torch
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.artifacts.published import scores
from orchestrator.compare import charts
from orchestrator.compare import format as words
from orchestrator.compare.candidate import Candidate
from orchestrator.compare.groups import (
    Group,
    Row,
    best_in_words,
    is_settled,
    lead_in_words,
    mean_in_words,
    verdict,
)
from orchestrator.plots.genotype import draw
from orchestrator.plots.images import image_grid
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.generator_file import load_generator
from search_space.zoo.results import RESULTS
from trainers.files import written_whole
from trainers.samples import sample_grid

SEED = 0
"""Seed of the latents, which are the same for all generators with the same latent size."""


def samples(generator: Path) -> str:
    """The address of an <img> with 64 images of a kept generator."""
    network, _ = load_generator(generator)
    images = sample_grid(network, network.config.latent_dim, SEED, torch.device("cpu"))
    return "data:image/png;base64," + base64.b64encode(image_grid(images)).decode()


def drawing(genotype: Genotype, best: Genotype | None, prefix: str) -> str:
    """SVG, marked where it differs from the best; ids begin with the prefix, as a page has many."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": prefix}):
        draw(genotype, best).savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    return re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{prefix}", text)


TEMPLATE = "page.html.j2"


def write_page(path: Path, groups: Sequence[Group], everyone: Sequence[Candidate]) -> None:
    """Write the file whole.

    Raises:
        UserError: a place that cannot be written.
    """
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(TEMPLATE).render(
        groups=[_group(number, group) for number, group in enumerate(groups)],
        unscored=[_card(f"u{number}-", each, None) for number, each in enumerate(_unscored(everyone))],
        published=_published(everyone),
    )
    try:
        with written_whole(path) as file:
            file.write(page.encode())
    except OSError as error:
        raise UserError(f"--html {path}: {error.strerror}; name a place that can be written") from error


def _unscored(everyone: Sequence[Candidate]) -> list[Candidate]:
    return [each for each in everyone if not (each.trainings and each.metrics)]


def _group(number: int, group: Group) -> dict[str, Any]:
    best = group.rows[0].candidate
    several = sum(row.mean is not None for row in group.rows) > 1
    return {
        "title": words.title_of(group),
        "metric": group.metric,
        "settled": is_settled(group),
        "verdict": list(verdict(group)),
        "scale": words.scale_in_words(group),
        "rows": [_row(row, group.metric) for row in group.rows],
        "scores": Markup(charts.scores_chart(group)) if several else "",
        "pareto": Markup(charts.pareto_chart(group)) if several else "",
        "curves": Markup(charts.curves_chart(group) or ""),
        "cards": [
            _card(f"g{number}-{row.place}-", row.candidate, None if row.place == 1 else best.genotype, row)
            for row in group.rows
        ],
    }


def _row(row: Row, metric: str) -> dict[str, Any]:
    each = row.candidate
    others = {name: each.values(name) for name in each.metrics[1:] if not name.endswith("_std")}
    return {
        "place": row.place,
        "colour": charts.colour_of(row),
        "name": each.name,
        "hash": each.genotype.content_hash,
        "score": mean_in_words(row),
        "best": best_in_words(row, metric),
        "diverged": row.diverged,
        "lead": lead_in_words(row),
        "standing": _standing(row),
        "others": ", ".join(f"{name} {sum(v) / len(v):.4g}" for name, v in others.items() if v),
        "steps": "-" if each.steps is None else each.steps,
        "parameters": words.count(each.parameters),
        "multiply_adds": words.count(each.multiply_adds),
        "hours": words.hours(each),
    }


def _standing(row: Row) -> str:
    if row.mean is None:
        return "no score"
    if row.behind is None:
        return "best"
    if row.behind.error is None:
        return "unknown: one run each"
    return "worse" if row.is_apart else "within noise"


def _card(prefix: str, each: Candidate, best: Genotype | None, row: Row | None = None) -> dict[str, Any]:
    generator = each.best_generator(each.metrics[0]) if each.metrics else None
    # Edges of two spaces do not correspond, so there are no differences to mark.
    other_space = best is not None and best.space != each.genotype.space
    like = None if other_space else best
    return {
        "name": each.name,
        "place": row.place if row else "",
        "score": mean_in_words(row) if row else "",
        "parameters": words.count(each.parameters),
        "samples": Markup(samples(generator)) if generator else "",
        "drawing": Markup(drawing(each.genotype, like, prefix)),
        "differs": _differing(each.genotype, like) if like else 0,
        "space": each.genotype.space if other_space else "",
        "published": [words.published_in_words(result) for result in each.published],
    }


def _differing(genotype: Genotype, best: Genotype) -> int:
    pairs = zip(genotype.cells, best.cells, strict=True)
    return sum(one != other for cells in pairs for one, other in zip(*cells, strict=True))


def _published(everyone: Sequence[Candidate]) -> list[dict[str, str]]:
    """Results on the data sets of the comparison."""
    wanted = {each.data for each in everyone}
    return [
        {
            "method": f"{result.method} {result.year}",
            "dataset": result.dataset,
            "scores": scores(result).strip(),
            "conditions": "; ".join(filter(None, (result.protocol, result.note, result.source))),
        }
        for result in sorted(RESULTS, key=lambda result: (result.dataset, result.fid))
        if result.dataset in wanted
    ]
