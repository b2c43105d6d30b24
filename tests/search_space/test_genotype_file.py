import contextlib
import io
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from search_space.genotype import Genotype, GenotypeError, Provenance

GENERATOR = ((1, 1, 1, 0, 3, 3, 1), (1, 1, 0, 1, 3, 3, 3), (0, 1, 0, 3, 3, 0, 3))
DISCRIMINATOR = (
    (2, 0, 1, 4, 4, 3, 3),
    (4, 1, 0, 0, 3, 5, 3),
    (1, 1, 1, 5, 6, 5, 5),
    (5, 0, 0, 1, 1, 1, 1),
)
CASES = [("generator", GENERATOR), ("discriminator", DISCRIMINATOR)]


class Bomb:
    """Unpickling it would end the test with an error of its own."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def header_only(header: str) -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


VALID = npy(np.array(GENERATOR, dtype=np.uint8))


@pytest.mark.parametrize(("network", "rows"), CASES)
@pytest.mark.parametrize("dtype", ["uint8", "int64", ">i4"])
def test_a_released_file_tells_its_network_by_its_shape(tmp_path, network, rows, dtype):
    np.save(tmp_path / "latest_G.npy", np.array(rows, dtype=dtype))
    genotype = Genotype.load(tmp_path / "latest_G.npy")
    assert (genotype.network, genotype.rows) == (network, rows)


@pytest.mark.parametrize(("network", "rows"), CASES)
def test_npy_is_written_as_the_released_code_reads_it(tmp_path, network, rows):
    path = tmp_path / "genotype.npy"
    Genotype.from_rows(network, rows).save(path)
    np.testing.assert_array_equal(np.load(path, allow_pickle=False), np.array(rows))


@pytest.mark.parametrize("suffix", [".json", ".npy"])
@pytest.mark.parametrize(("network", "rows"), CASES)
def test_saved_files_load_again(tmp_path, network, rows, suffix):
    genotype = Genotype.from_rows(network, rows)
    genotype.save(tmp_path / f"g{suffix}")
    assert Genotype.load(tmp_path / f"g{suffix}") == genotype


def test_json_keeps_the_provenance_and_npy_drops_it(tmp_path):
    found = Genotype.from_rows("generator", GENERATOR, Provenance(run="a", step=10))
    for name, provenance in [("g.json", found.provenance), ("g.npy", None)]:
        found.save(tmp_path / name)
        assert Genotype.load(tmp_path / name).provenance == provenance


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        (
            "g.npy",
            npy(np.zeros((5, 7), np.uint8)),
            "expected integers of shape (3, 7) (generator) or (4, 7) (discriminator)",
        ),
        ("g.npy", npy(np.zeros((3, 7), np.float32)), "type float32"),
        ("g.npy", npy(np.full((3, 7), 9)), "generator cells.0.e0: no primitive 9"),
        ("g.npy", npy(np.array([[Bomb()] * 7] * 3)), "type object"),
        ("g.npy", pickle.dumps(Bomb()), "not a released genotype"),
        (
            "g.npy",
            header_only("{'descr': '|u1', 'fortran_order': False, 'shape': (9999999999, 9999), }"),
            "shape",
        ),
        ("g.npy", header_only("[" * 9000), "not a released genotype"),
        ("g.npy", VALID[:-1], "not a released genotype"),
        ("g.npy", VALID[:20], "not a released genotype"),
        ("g.npy", b"", "not a released genotype"),
        ("g.npy", bytes(100_000), "100000 bytes is no genotype"),
        ("g.json", b"[" * 100_000, "100000 bytes is no genotype"),
        ("g.json", b"\xff\xfe", "Invalid JSON"),
        ("g.json", VALID, "Invalid JSON"),
        ("g.pkl", pickle.dumps(Bomb()), "unknown suffix '.pkl'; a genotype file ends in .json or .npy"),
    ],
)
def test_a_wrong_file_is_refused_with_its_path_in_one_line(tmp_path, name, content, part):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(GenotypeError) as error:
        Genotype.load(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert part in message
    assert "\n" not in message


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    (tmp_path / "folder.json").mkdir()
    for name in ("none.json", "none.npy", "folder.json"):
        with pytest.raises(GenotypeError, match="no such file; give the path of a genotype"):
            Genotype.load(tmp_path / name)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@example(flips=[(6, 3)])
def test_a_damaged_file_never_raises_anything_but_a_genotype_error(tmp_path, flips):
    content = bytearray(VALID)
    for position, byte in flips:
        content[position] = byte
    (tmp_path / "g.npy").write_bytes(content)
    with contextlib.suppress(GenotypeError):
        assert len(Genotype.load(tmp_path / "g.npy").cells) == 3
