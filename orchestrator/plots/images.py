"""Images of a report as the bytes of a file.

Shapes: N images, C channels (1 or 3), H height, W width.
"""

import io
from pathlib import Path
from tempfile import TemporaryDirectory

from jaxtyping import UInt8
from torch import Tensor
from torch.nn.functional import pad

from search_space.genotype import Genotype

COLUMNS = 8
GAP = 2
"""Dark pixels between images."""
SMALLEST_WIDTH = 512
"""The smallest width in pixels: MLflow's page blurs smaller pictures when it enlarges them."""

DRAWING_SHARE = 0.05
"""Share of a run's time that may go into drawings: a short run draws some of its genotypes, and the last."""


def image_grid(images: UInt8[Tensor, "n c h w"]) -> bytes:
    """PNG of the images, row by row, enlarged by a whole factor where they are small."""
    from PIL import Image

    pixels = _tiled(images)
    picture = Image.fromarray((pixels[..., 0] if pixels.shape[-1] == 1 else pixels).numpy())
    factor = max(1, SMALLEST_WIDTH // picture.width)
    size = (picture.width * factor, picture.height * factor)
    file = io.BytesIO()
    picture.resize(size, Image.Resampling.NEAREST).save(file, format="PNG")
    return file.getvalue()


def drawing(genotype: Genotype, suffix: str) -> bytes:
    """The genotype as a picture a person can read; suffix .png or .svg."""
    from orchestrator.plots.genotype import save_drawing

    with TemporaryDirectory() as folder:
        path = Path(folder, f"genotype{suffix}")
        save_drawing(genotype, path)
        return path.read_bytes()


def _tiled(images: Tensor) -> Tensor:
    """[N, C, H, W] -> [rows (H + GAP) - GAP, COLUMNS (W + GAP) - GAP, C]; the last row may be incomplete."""
    missing = -len(images) % COLUMNS
    padded = pad(images, (0, GAP, 0, GAP, 0, 0, 0, missing))
    rows = padded.unflatten(0, (-1, COLUMNS))
    return rows.permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)[:-GAP, :-GAP].contiguous()
