"""Checkpoints of the released code: what is read, and how each kind of wrong file is answered."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from search_space.architecture import Architecture
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.discriminator import Discriminator
from search_space.networks.generator import Generator
from search_space.sampling import sample_genotype
from search_space.zoo.interop import (
    CheckpointError,
    canonical,
    load_released,
    read_released_generator,
    released_parameters,
)

CONFIG = GeneratorConfig(channels=2, latent_dim=6, bottom_width=2)
GENOTYPE = Genotype.from_rows(
    "generator", [[1, 1, 1, 0, 3, 3, 1], [1, 2, 0, 1, 3, 5, 3], [0, 1, 0, 3, 3, 0, 6]]
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def derived() -> Generator:
    return Generator(CONFIG, GENOTYPE)


def released(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in released_parameters(network)}


def doubled(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every convolution of an edge under both names that released checkpoints give it."""
    return state | {
        name.replace(spelling, ".op.1."): value
        for name, value in state.items()
        for spelling in (".conv.", ".dilconv.")
        if spelling in name
    }


def write(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def equal(first: nn.Module, second: nn.Module) -> bool:
    return all(torch.equal(a, second.state_dict()[name]) for name, a in first.state_dict().items())


def message(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


class TestReading:
    def test_moving_average_is_preferred(self, tmp_path):
        content = {"gen_state_dict": {"a": torch.zeros(1)}, "avg_gen_state_dict": {"a": torch.ones(1)}}
        state, weights = read_released_generator(write(tmp_path / "c.pth", content))
        assert (state["a"], weights) == (1, "ema")

    def test_checkpoint_without_moving_average_gives_the_generator(self, tmp_path):
        content = {"gen_state_dict": {"a": torch.zeros(1)}, "dis_state_dict": {"a": torch.ones(1)}}
        state, weights = read_released_generator(write(tmp_path / "c.pth", content))
        assert (state["a"], weights) == (0, "raw")

    def test_bare_state_is_read_too(self, tmp_path):
        state, weights = read_released_generator(write(tmp_path / "c.pth", {"a": torch.ones(1)}))
        assert (state["a"], weights) == (1, "unlabelled")

    @pytest.mark.parametrize("zipped", [True, False])
    def test_scores_beside_the_weights_do_not_matter(self, tmp_path, zipped):
        content = {"gen_state_dict": {"a": torch.ones(1)}, "best_fid": np.float64(10.87), "epoch": 3}
        torch.save(content, tmp_path / "c.pth", _use_new_zipfile_serialization=zipped)
        assert read_released_generator(tmp_path / "c.pth")[0]["a"] == 1

    def test_scores_pickled_before_numpy_2_do_not_matter(self, tmp_path):
        content = {"gen_state_dict": {"a": torch.ones(1)}, "best_fid": np.float64(10.87)}
        path = tmp_path / "c.pth"
        torch.save(content, path, _use_new_zipfile_serialization=False)
        old = path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
        assert old != path.read_bytes()
        path.write_bytes(old)
        assert read_released_generator(path)[0]["a"] == 1


class Hostile:
    """Unpickling it would write a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.write_text, (self.target, "executed")


class TestBadFiles:
    def test_code_in_a_pickle_is_never_executed(self, tmp_path):
        trace = tmp_path / "trace"
        with pytest.raises(CheckpointError, match="holds more than tensors") as error:
            read_released_generator(write(tmp_path / "c.pth", {"gen_state_dict": Hostile(trace)}))
        message(error)
        assert not trace.exists()
        pickle.loads(pickle.dumps(Hostile(trace)))
        assert trace.exists(), "the attack would have worked"

    @pytest.mark.parametrize("zipped", [True, False])
    @pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.9])
    def test_truncated_file(self, tmp_path, share, zipped):
        path = tmp_path / "c.pth"
        torch.save(released(derived()), path, _use_new_zipfile_serialization=zipped)
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        with pytest.raises(CheckpointError, match=r"c\.pth: damaged") as error:
            read_released_generator(path)
        message(error)

    @pytest.mark.filterwarnings("ignore:Detected pickle protocol")
    @pytest.mark.parametrize("seed", range(8))
    def test_scrambled_file_is_read_or_refused_but_never_a_traceback(self, tmp_path, seed):
        path = tmp_path / "c.pth"
        torch.save({"a": torch.ones(3)}, path, _use_new_zipfile_serialization=False)
        content, random = bytearray(path.read_bytes()), np.random.default_rng(seed)
        for place in random.integers(0, len(content), 20):
            content[place] = random.integers(0, 256)
        path.write_bytes(content)
        try:
            read_released_generator(path)
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017  either outcome is right, another exception is not

    def test_missing_file(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"nowhere\.pth: No such file") as error:
            read_released_generator(tmp_path / "nowhere.pth")
        message(error)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ([1, 2], "holds a list, not a dictionary of tensors"),
            ({"epoch": 3}, "holds neither tensors nor one of avg_gen_state_dict, gen_state_dict"),
            ({"gen_state_dict": {}}, "holds neither tensors"),
        ],
    )
    def test_file_without_a_generator(self, tmp_path, content, said):
        with pytest.raises(CheckpointError, match=said) as error:
            read_released_generator(write(tmp_path / "c.pth", content))
        message(error)


class TestLoading:
    def test_round_trip_of_a_derived_generator(self):
        first, second = derived(), derived()
        assert not equal(first, second)
        load_released(second, released(first))
        assert equal(first, second)

    def test_round_trip_of_supernets_and_architecture_parameters(self):
        for make in (
            lambda: Generator(CONFIG),
            lambda: Discriminator(DiscriminatorConfig(channels=2)),
            lambda: Architecture("discriminator"),
        ):
            first, second = make(), make()
            load_released(second, released(first))
            assert equal(first, second)

    def test_both_names_of_a_convolution_are_accepted(self):
        first, second = derived(), derived()
        both = doubled(released(first))
        assert len(both) > len(released(first))
        load_released(second, both)
        assert equal(first, second)

    def test_the_second_name_alone_is_enough(self):
        first, second = derived(), derived()
        names = released(first)
        load_released(second, {k: v for k, v in doubled(names).items() if ".conv." not in k})
        assert equal(first, second)

    def test_prefix_of_data_parallel_is_accepted(self):
        first, second = derived(), derived()
        load_released(second, {f"module.{name}": value for name, value in released(first).items()})
        assert equal(first, second)

    def test_two_values_under_the_two_names_are_refused(self):
        state = doubled(released(derived()))
        name = next(name for name in state if ".op." in name)
        state[name] = state[name] + 1
        with pytest.raises(CheckpointError, match=r"holds .*conv.* twice, with different values") as error:
            load_released(derived(), state)
        message(error)

    @pytest.mark.parametrize("lacking", ["l1.weight", "to_rgb.0.running_mean", "cell2.c3.ops.0.conv.bias"])
    def test_missing_name_is_said(self, lacking):
        state = released(derived())
        state = {name: value for name, value in state.items() if canonical(name) != lacking}
        with pytest.raises(CheckpointError, match=f"the checkpoint lacks {lacking}") as error:
            load_released(derived(), state)
        message(error)

    def test_checkpoint_of_another_genotype_is_refused(self):
        other = Generator(CONFIG, sample_genotype("generator", 0))
        with pytest.raises(CheckpointError, match="genotype"):
            load_released(derived(), released(other))

    def test_wrong_width_is_said(self):
        wide = Generator(CONFIG.model_copy(update={"channels": 3}), GENOTYPE)
        with pytest.raises(CheckpointError, match=r"l1.weight has \d+ values where the network has") as error:
            load_released(derived(), released(wide))
        assert "is it of another genotype, or of other widths?" in message(error)

    def test_modules_that_the_released_code_lacks_are_refused(self):
        with pytest.raises(TypeError, match="no Linear"):
            list(released_parameters(nn.Linear(1, 1)))


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("module.cell1.c0.ops.3.op.1.weight", "cell1.c0.ops.3.conv.weight"),
        ("cell1.c0.ops.5.dilconv.bias", "cell1.c0.ops.5.conv.bias"),
        ("block2.down0.ops.4.op.1.weight_orig", "block2.down0.ops.4.conv.weight_orig"),
        ("cell1.up0.ups.0.c.1.weight", "cell1.up0.ups.0.c.1.weight"),
        ("l1.weight", "l1.weight"),
    ],
)
def test_each_parameter_has_one_spelling(name, spelled):
    assert canonical(name) == spelled


def test_names_are_the_released_ones():
    """Of a derived generator, against the list in the documentation of the reference numbers."""
    names = set(released(derived()))
    assert {"l1.weight", "l3.bias", "to_rgb.0.running_var", "to_rgb.2.weight"} <= names
    assert {"cell1.up0.ups.0.c.1.weight", "cell2.up1.ups.0.convT.1.weight"} <= names
    assert {"cell2.skip_in_ops.0.weight", "cell3.skip_in_ops.1.bias"} <= names
    assert "cell1.c1.ops.0.conv.weight" not in names, "an edge that is none has no entry"
