"""A trained generator as a file that needs none of our code: ONNX, or a program of torch.export."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from torch import Tensor

from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.cell import use_backend
from search_space.networks.generator import ImageGenerator
from trainers.files import written_whole

CARD = "advnas.json"
"""The generator's description inside the file."""

CHECKED_BATCHES = (1, 2, 5)
TOLERANCE = 1e-4
"""Largest difference to the original, of images in [-1, 1]: a hundredth of a grey level."""


class ExportError(UserError):
    """The generator cannot be written like that."""


class Exported(NamedTuple):
    """What has been written."""

    card: Path
    """JSON beside the file: genotype, widths, how to call it."""
    call: str
    difference: float
    """Largest one to the original, over random latents."""


class Format(NamedTuple):
    """A kind of file."""

    write: Callable[[ImageGenerator, Path, str], None]
    """From a network, a file and the description that goes into it."""
    read: Callable[[Path], Callable[[Tensor], Tensor]]
    call: str


def export_generator(network: ImageGenerator, genotype: Genotype, path: Path) -> Exported:
    """Write the network for batches of any size, after checking that it computes the same.

    Raises:
        ExportError: unknown suffix, missing packages, or a disk that refuses.
    """
    if path.suffix not in FORMATS:
        raise ExportError(f"{path}: unknown suffix {path.suffix!r}; use {' or '.join(FORMATS)}")
    form = FORMATS[path.suffix]
    use_backend(network, "op_by_op")  # plain operations, without gradients of our own
    call = form.call.format(path)
    card = json.dumps(describe(network, genotype, call), indent=2)
    with TemporaryDirectory() as folder:
        draft = Path(folder, path.name)
        form.write(network, draft, card)
        difference = _difference(network, form.read(draft))
        assert difference <= TOLERANCE, f"{path.suffix} differs from the original by {difference:.3g}"
        beside = path.with_name(f"{path.name}.json")
        for target, content in ((path, draft.read_bytes()), (beside, card.encode())):
            _put(target, content)
    return Exported(beside, call, difference)


def describe(network: ImageGenerator, genotype: Genotype, call: str) -> dict[str, Any]:
    """What somebody needs who has the file alone."""
    config = network.config
    size = config.image_size
    return {
        "format_version": 1,
        "genotype": genotype.model_dump(mode="json"),
        "generator": config.model_dump(mode="json"),
        "input": {"name": "z", "type": "float32", "shape": ["batch", config.latent_dim]},
        "input_distribution": "standard normal",
        "output": {
            "name": "images",
            "type": "float32",
            "shape": ["batch", config.image_channels, size, size],
        },
        "output_range": [-1, 1],
        "to_uint8": "truncate x * 127.5 + 127.5",
        "call": call,
    }


def _program(network: ImageGenerator) -> torch.export.ExportedProgram:
    latents = torch.randn(2, network.config.latent_dim)
    return torch.export.export(network, (latents,), dynamic_shapes=({0: torch.export.Dim("batch")},))


def _write_program(network: ImageGenerator, path: Path, card: str) -> None:
    torch.export.save(_program(network), path, extra_files={CARD: card})


def _read_program(path: Path) -> Callable[[Tensor], Tensor]:
    return torch.export.load(path).module()


def _write_onnx(network: ImageGenerator, path: Path, card: str) -> None:
    _require_onnx()
    program = torch.onnx.export(_program(network), input_names=["z"], output_names=["images"], verbose=False)
    assert program is not None
    program.model.metadata_props[CARD] = card
    program.save(path)


def _read_onnx(path: Path) -> Callable[[Tensor], Tensor]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda z: torch.from_numpy(session.run(["images"], {"z": z.numpy()})[0])


def _require_onnx() -> None:
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ExportError(
            f"export to .onnx needs the package {error.name}: pip install onnx onnxscript onnxruntime"
        ) from error


FORMATS: Mapping[str, Format] = {
    ".onnx": Format(
        _write_onnx,
        _read_onnx,
        "onnxruntime.InferenceSession('{}').run(['images'], {{'z': z}})[0]  # z: float32 array",
    ),
    ".pt2": Format(_write_program, _read_program, "torch.export.load('{}').module()(z)  # z: float32"),
}
"""Suffix -> how to write and read."""


def _difference(network: ImageGenerator, exported: Callable[[Tensor], Tensor]) -> float:
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        latents = [torch.randn(n, network.config.latent_dim, generator=random) for n in CHECKED_BATCHES]
        return max(float((exported(z) - network(z)).abs().max()) for z in latents)


def _put(target: Path, content: bytes) -> None:
    try:
        with written_whole(target) as file:
            file.write(content)
    except OSError as error:
        raise ExportError(f"{target}: {error.strerror}; name a file that can be written") from error
