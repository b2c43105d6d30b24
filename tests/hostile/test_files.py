"""Genotypes, checkpoints, generators and statistics: damaged, of something else, or made to do harm."""

import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.__main__ import main
from orchestrator.checkpoints.folder import write_whole
from orchestrator.checkpoints.store import CheckpointStore
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import Generator
from search_space.networks.generator_file import load_generator, save_generator
from search_space.sampling import sample_genotype
from search_space.zoo.interop import read_released_generator
from tests.hostile.bombs import Bomb, damaged, many, pickles, places, refused_or_fine, replaced, values
from trainers.metrics.statistics_file import load_statistics

GENOTYPE = sample_genotype("generator", seed=3)
SMALL = GeneratorConfig(channels=2, bottom_width=2, image_channels=1)


def bytes_of(save) -> bytes:
    content = io.BytesIO()
    save(content)
    return content.getvalue()


JSON = json.loads(GENOTYPE.to_json())
NPY = bytes_of(lambda file: np.save(file, np.asarray(GENOTYPE.rows, dtype=np.uint8)))
NPZ = bytes_of(lambda file: np.savez(file, mu=np.zeros(2), sigma=np.eye(2)))
STATE = bytes_of(lambda file: torch.save({"a": torch.zeros(3), "step": 1}, file))
META_JSON = {
    "format_version": 1, "step": 3, "identity": {"seed": 0}, "images": "x", "metrics": {"loss": 1.0},
    "genotypes": {"generator": JSON},
}  # fmt: skip

READERS = {
    ".npy": Genotype.load,
    ".json": Genotype.load,
    ".npz": load_statistics,
    ".pt": load_generator,
    ".pth": read_released_generator,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def reads(folder: Path, suffix: str, content: bytes) -> bool:
    file = folder / f"x{suffix}"
    file.write_bytes(content)
    return refused_or_fine(lambda: READERS[suffix](file))


@many
@given(damaged(NPY))
def test_a_damaged_npy(folder, content):
    reads(folder, ".npy", content)


@many
@given(damaged(GENOTYPE.to_json().encode()))
def test_a_damaged_json(folder, content):
    reads(folder, ".json", content)


@many
@given(st.sampled_from(list(places(JSON))), values)
def test_any_value_in_any_place_of_a_genotype(folder, place, value):
    reads(folder, ".json", json.dumps(replaced(JSON, place, value), skipkeys=True).encode())


@many
@given(damaged(NPZ))
def test_damaged_statistics(folder, content):
    reads(folder, ".npz", content)


@many
@given(damaged(STATE))
def test_a_damaged_file_of_tensors(folder, content):
    reads(folder, ".pth", content)
    reads(folder, ".pt", content)


@many
@given(st.sampled_from(list(places(META_JSON))), values)
def test_any_value_in_any_place_of_a_checkpoints_description(folder, place, value):
    content = json.dumps(replaced(META_JSON, place, value), skipkeys=True)
    checkpoints = folder / "meta"
    write_whole(checkpoints / "step-000000003", {}, content)
    refused_or_fine(lambda: CheckpointStore(checkpoints, keep=1).latest())


@pytest.mark.parametrize("suffix", READERS)
def test_no_pickle_is_run(suffix, folder):
    trace = folder / "trace"
    bombs = [*pickles(trace), bytes_of(lambda file: torch.save({"state": Bomb(trace)}, file))]
    bombs += [bytes_of(lambda file: torch.save(Bomb(trace), file, _use_new_zipfile_serialization=False))]
    array = np.array([[Bomb(trace)] * 7] * 3, dtype=object)
    bombs += [
        bytes_of(lambda file: np.save(file, array)),
        bytes_of(lambda file: np.savez(file, mu=array, sigma=array)),
    ]
    assert [reads(folder, suffix, bomb) for bomb in bombs] == [False] * len(bombs)
    assert not trace.exists()
    pickle.loads(bombs[0])
    assert trace.exists()  # they would have
    trace.rmdir()


def test_a_checkpoint_with_right_checksums_runs_nothing_either(folder):
    trace, checkpoints = folder / "trace", folder / "forged"
    write_whole(checkpoints / "step-000000003", {"state": Bomb(trace)}, json.dumps(META_JSON))
    newest = CheckpointStore(checkpoints, keep=1).latest()
    assert newest is not None
    assert not refused_or_fine(newest.state)
    assert not trace.exists()


def header(shape: str, kind: str = "<f8") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def archive(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return content.getvalue()


@pytest.mark.parametrize(
    "shape", ["(1000000, 1000000)", "(-1,)", "(3, 7)", "(99999999999999999999,)", "'x'", "()", "(0, 0)"]
)
@pytest.mark.parametrize("kind", ["<f8", "|O", "<U9", "<M8[s]", "<c16", "|V8", "nonsense"])
def test_headers_that_promise_too_much(shape, kind, folder):
    assert not reads(folder, ".npy", header(shape, kind))
    assert not reads(folder, ".npz", archive(mu=header(shape, kind), sigma=header(shape, kind)))


@pytest.mark.parametrize(
    "content",
    [
        NPY,
        STATE,
        archive(mu=NPY),
        archive(mu=b"", sigma=b""),
        b"",
        b"PK\x05\x06" + bytes(18),
        b"\0" * 5000,
        b"\x80\x02.",
    ],
)
@pytest.mark.parametrize("suffix", READERS)
def test_files_of_something_else(content, suffix, folder):
    assert (
        (suffix == ".npy" and content is NPY)
        or (suffix == ".pth" and content is STATE)
        or not reads(folder, suffix, content)
    )


@pytest.mark.parametrize("part", ["format_version", "generator", "genotype", "state"])
@pytest.mark.parametrize("value", [None, 7, "x", [], {"channels": -1}, {"a": torch.zeros(1)}, torch.zeros(2)])
def test_a_generator_whose_parts_are_others(part, value, folder):
    file = folder / "generator.pt"
    save_generator(file, SMALL, GENOTYPE, Generator(SMALL, GENOTYPE).state_dict())
    assert refused_or_fine(lambda: load_generator(file))
    content = torch.load(file, weights_only=True)
    torch.save(content | {part: value}, file)
    assert not refused_or_fine(lambda: load_generator(file))


@pytest.mark.parametrize(
    "words",
    [
        ["genotype", "show", "x.json"],
        ["genotype", "show", "x.npy"],
        ["genotype", "show", "../../../etc/passwd"],
        ["genotype", "show", ".."],
        ["generate", "x.pt", "--out", "o.png"],
        ["generate", "..", "--out", "o.png"],
        ["generate", "x.pth", "--out", "o.png"],
        ["export", "x.pt", "--out", "o.onnx"],
        ["retrain", "digits", "--retrain.genotype", "x.npy"],
        ["evaluate", "digits", "--of", "x.pt"],
        ["select", "--replay", "x.csv"],
        ["select", "--replay", "x.parquet"],
        ["compare", "x.json"],
    ],
)
def test_the_command_line_says_it_in_a_line(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("x.json", "x.npy", "x.pt", "x.pth", "x.csv", "x.parquet"):
        (tmp_path / name).write_bytes(next(pickles(tmp_path / "trace")))
    assert main(words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("advnas: ") for line in lines), lines
    assert not (tmp_path / "trace").exists()
    assert not any(tmp_path.glob("o.*"))
