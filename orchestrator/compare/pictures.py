"""Images and drawings of contestants, as a page holds them: PNG in base64, SVG as it is."""

import base64
import io
import re
from pathlib import Path

import matplotlib
import torch

from orchestrator.plots.genotype import draw
from orchestrator.plots.images import image_grid
from search_space.generator_file import load_generator
from search_space.genotype import Genotype
from trainers.samples import sample_grid

SEED = 0
"""Of the latents, the same for every generator that takes as many numbers."""


def samples(generator: Path) -> str:
    """64 images of a kept generator, as the address of an <img>."""
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
