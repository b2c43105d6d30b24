"""The derived architecture over a search as a film: one picture a change."""

import io

from PIL import Image

from orchestrator.plots.genotype import draw
from orchestrator.plots.history import History

MOST_FRAMES = 40
"""Evenly chosen of more; each takes a third of a second to draw."""
DPI = 60
MILLISECONDS, LAST = 700, 3000
"""A frame is shown; the last one longer."""


def animation(history: History) -> bytes | None:
    """GIF of the genotypes, edges that changed marked with what they were before; None if none changed."""
    changed = [index for index, count in enumerate(history.changes()) if index == 0 or count]
    if len(changed) < 2:
        return None
    if len(changed) > MOST_FRAMES:
        stride = (len(changed) - 1) / (MOST_FRAMES - 1)
        changed = [changed[round(number * stride)] for number in range(MOST_FRAMES)]
    before = [None, *changed[:-1]]
    frames = [_frame(history, index, earlier) for index, earlier in zip(changed, before, strict=True)]
    file = io.BytesIO()
    durations = [*([MILLISECONDS] * (len(frames) - 1)), LAST]
    frames[0].save(file, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return file.getvalue()


def _frame(history: History, index: int, before: int | None) -> Image.Image:
    figure = draw(history.genotypes[index], None if before is None else history.genotypes[before])
    figure.text(
        0.98, 0.95, f"step {history.steps[index]}", ha="right", va="top", fontsize=18, fontweight="bold"
    )
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    # One palette of few colours: the drawings have few, and files stay small.
    return Image.open(file).convert("RGB").quantize(64, dither=Image.Dither.NONE)
