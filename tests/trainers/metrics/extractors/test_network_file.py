"""A network of the user's own, from a file: it is used as it is, or refused in one line."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.trainers.metrics.stand_ins import blurs
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import WeightsError
from trainers.metrics.extractors.registry import make_extractor
from trainers.metrics.score_images import score_images


class Means(nn.Module):
    """The mean colour, and twice that as logits."""

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits."""
        means = pixels.float().mean(dim=(2, 3))
        return means, 2 * means


class Corner(nn.Module):
    """Features of the corner alone, without classes."""

    def forward(self, pixels: Tensor) -> Tensor:
        """Three features."""
        return pixels[:, :, 0, 0].float()


class Pair(nn.Module):
    """Takes two inputs."""

    def forward(self, pixels: Tensor, mask: Tensor) -> Tensor:
        """The sum."""
        return (pixels + mask).float().mean(dim=(2, 3))


class Maps(nn.Module):
    """Returns maps, not features."""

    def forward(self, pixels: Tensor) -> Tensor:
        """Of four dimensions."""
        return pixels.float()


class Three(nn.Module):
    """Returns three outputs."""

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One too many."""
        means = pixels.float().mean(dim=(2, 3))
        return means, means, means


class Counts(nn.Module):
    """Returns whole numbers."""

    def forward(self, pixels: Tensor) -> Tensor:
        """Of dtype int64."""
        return pixels.long().sum(dim=(2, 3))


class GreyOnly(nn.Module):
    """A convolution over one channel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, pixels: Tensor) -> Tensor:
        """Four features."""
        return self.conv(pixels.float()).mean(dim=(2, 3))


PIXELS = torch.zeros(2, 3, 24, 24, dtype=torch.uint8)
ANY = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
MANY = {0: torch.export.Dim.DYNAMIC}


def script(file: Path, network: nn.Module) -> Path:
    torch.jit.save(torch.jit.script(network), file)
    return file


def program(file: Path, network: nn.Module, dynamic: dict, *inputs: Tensor) -> Path:
    inputs = inputs or (PIXELS,)
    shapes = tuple(dynamic for _ in inputs)
    torch.export.save(torch.export.export(network, inputs, dynamic_shapes=shapes), file)
    return file


def extractor_of(file: Path):
    config = EvaluationConfig(extractor=str(file), metrics=("fd",), samples=2)
    return make_extractor(config, file.parent, torch.device("cpu"))


def test_torchscript_and_an_exported_program_give_what_the_network_gives(tmp_path):
    pixels = blurs(5, detail=3).pixels
    for file in (script(tmp_path / "a.pt", Means()), program(tmp_path / "b.pt2", Means(), ANY)):
        extractor = extractor_of(file)
        features, logits = extractor(pixels)
        torch.testing.assert_close(features, pixels.float().mean(dim=(2, 3)))
        torch.testing.assert_close(logits, 2 * features)
        assert (extractor.dimension, extractor.classes, extractor.resize) == (3, 3, "its own")


def test_a_network_of_one_output_has_no_classes(tmp_path):
    extractor = extractor_of(script(tmp_path / "corner.pt", Corner()))
    assert extractor(PIXELS)[1] is None
    assert extractor.classes == 0


def test_images_are_brought_to_the_only_size_an_exported_program_takes(tmp_path):
    extractor = extractor_of(program(tmp_path / "fixed.pt2", Means(), MANY))
    plain = torch.full((2, 1, 16, 16), 77, dtype=torch.uint8)
    torch.testing.assert_close(extractor(plain)[0], torch.full((2, 3), 77.0))
    assert extractor.resize == "bicubic-antialias-24x24"


def test_scores_are_called_after_the_file(tmp_path):
    file = script(tmp_path / "My Net-2.pt", Means())
    config = EvaluationConfig(extractor=str(file), metrics=("fd", "is"), samples=10)
    scores = score_images(blurs(10, detail=3), blurs(10, detail=4), config, tmp_path, torch.device("cpu"))
    assert set(scores.values) == {"fd_my_net_2", "is_my_net_2_mean", "is_my_net_2_std"}


def test_another_file_of_the_same_name_is_another_protocol(tmp_path):
    first = extractor_of(script(tmp_path / "net.pt", Means())).weights
    assert extractor_of(script(tmp_path / "net.pt", Corner())).weights != first


def test_a_file_may_be_named_as_a_section(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = EvaluationConfig(extractor={"file": "net.pt"}, metrics=("fd",))
    assert config.extractor == str(tmp_path / "net.pt")


@pytest.mark.parametrize("name", ["inception.pt", "digits-2.pt2", "Efficientnet_Lite0.pt"])
def test_a_file_whose_scores_would_pass_for_others_is_refused(name):
    with pytest.raises(ValueError, match=r"its scores would be taken for those of .*; rename it"):
        EvaluationConfig(extractor=name, metrics=("fd",))


WRONG = {
    "absent.pt": (lambda _: None, "there is no such file"),
    "text.pt": (lambda file: file.write_text("no network"), "holds no TorchScript"),
    "text.pt2": (lambda file: file.write_text("no network"), "holds no exported program"),
    "weights.pt": (lambda file: torch.save({"a": torch.ones(1)}, file), "holds no TorchScript"),
    "pair.pt": (lambda file: script(file, Pair()), r"takes 2 inputs \(pixels, mask\); .* takes one"),
    "pair.pt2": (lambda file: program(file, Pair(), ANY, PIXELS, PIXELS), r"takes 2 inputs \(pixels, mask\)"),
    "float.pt2": (
        lambda file: program(file, Means(), ANY, PIXELS.float()),
        r"takes float32 of 4 dimensions; an extractor takes uint8 images \[n, 3, h, w\]: convert",
    ),
    "batch.pt2": (
        lambda file: program(file, Means(), {2: torch.export.Dim.DYNAMIC}),
        "takes 2 images at a time; export it with a dynamic first dimension",
    ),
    "maps.pt": (lambda file: script(file, Maps()), r"returns float32 \[2, 3, 32, 32\] for 2 images"),
    "three.pt": (lambda file: script(file, Three()), "returns tuple where an extractor returns features"),
    "counts.pt": (lambda file: script(file, Counts()), r"returns int64 \[2, 3\] for 2 images"),
    "grey.pt": (
        lambda file: script(file, GreyOnly()),
        r"fails on uint8 images .*tried with \[2, 3, 32, 32\]",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_extractor_is_refused_in_one_line(tmp_path, name):
    write, message = WRONG[name]
    write(tmp_path / name)
    with pytest.raises(WeightsError, match=message) as refused:
        extractor_of(tmp_path / name)
    assert str(refused.value).startswith(str(tmp_path / name))
    assert "\n" not in str(refused.value)
