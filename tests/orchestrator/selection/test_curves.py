from pathlib import Path

import numpy as np
import pytest

from orchestrator.selection.curves import Curves, genotype_id, genotype_of, short_name
from orchestrator.selection.tables.wide_table import TableError
from search_space.sampling import sample_genotype
from search_space.zoo.published import PUBLISHED
from tests.orchestrator.selection.tables import NAN, curves_of, write_csv


def test_a_genotype_has_one_id_however_its_json_is_spaced(tmp_path: Path) -> None:
    rows = [("[[1, 2], [3, 4]]", 0, 10, 1.0), ("[[1,2],[3,4]]", 0, 20, 2.0), (" [[1,2],\n[3,4]]", 1, 10, 3.0)]
    curves = Curves.read(write_csv(tmp_path / "t.csv", rows))
    assert curves.genotypes == ("[[1,2],[3,4]]",)
    assert curves.runs == 2


def test_the_id_of_rows_is_what_a_table_of_them_has() -> None:
    genotype = sample_genotype("generator", 0)
    assert genotype_id(genotype) == str([list(row) for row in genotype.rows]).replace(" ", "")
    assert genotype_of(genotype_id(genotype)).cells == genotype.cells


def test_the_id_of_another_space_names_it(tmp_path: Path) -> None:
    genotype = PUBLISHED["autogan_a"].genotype
    id = genotype_id(genotype)
    assert id.startswith('[["autogan"],["pre","none","nearest","conv_1x1"],')
    assert genotype_of(id) == genotype
    assert short_name(id).startswith("autogan ")
    write_csv(tmp_path / "t.csv", [(id, 0, 10, 1.0)])
    assert Curves.read(tmp_path / "t.csv").genotypes == (id,)


def test_a_short_name_is_the_digits_of_the_rows_where_indices_are_digits() -> None:
    assert short_name("[[1,1,0],[0,3,6]]") == "110-036"
    assert short_name("[[1,10,0],[0,3,6]]") == "[[1,10,0],[0,3,6]]"
    assert short_name("[[1,-1]]") == "[[1,-1]]"


def test_entries_are_in_the_order_of_genotype_seed_and_step() -> None:
    curves = curves_of({(2, 1): {20: 6.0, 10: 5.0}, (1, 0): {10: 1.0}, (2, 0): {10: 3.0, 20: 4.0}})
    assert curves.genotypes == ("[[1]]", "[[2]]")
    assert curves.score.tolist() == [1.0, 3.0, 4.0, 5.0, 6.0]
    assert curves.run.tolist() == [0, 1, 1, 2, 2]
    assert curves.ends.tolist() == [0, 2, 4]
    assert curves.runs == 3


def test_means_are_over_the_finite_scores_of_a_step() -> None:
    curves = curves_of(
        {
            (1, 0): {10: 1.0, 20: 9.0},
            (1, 1): {10: 4.0},
            (1, 2): {10: NAN},
            (2, 0): {10: NAN},
            (3, 0): {20: 1.0},
        }
    )
    np.testing.assert_array_equal(curves.means(10), [2.5, NAN, NAN])


def test_rows_that_say_the_same_count_once(tmp_path: Path) -> None:
    rows = [("[[1]]", 0, 10, 1.5), ("[[1]]", 0, 20, "nan"), ("[[ 1 ]]", 0, 10, 1.5), ("[[1]]", 0, 20, "inf")]
    curves = Curves.read(write_csv(tmp_path / "t.csv", rows))
    assert curves.step.tolist() == [10, 20]
    assert curves.duplicates == 2


@pytest.mark.parametrize("other", [1.75, "nan"])
def test_rows_that_contradict_each_other_are_refused(tmp_path: Path, other: object) -> None:
    rows = [("[[1]]", 3, 10, 1.5), ("[[1]]", 3, 10, other)]
    with pytest.raises(TableError, match=r"t\.csv: score: both .* for \[\[1\]\], seed 3, step 10; keep one"):
        Curves.read(write_csv(tmp_path / "t.csv", rows))


@pytest.mark.parametrize(
    "genotype",
    [
        "",
        "[]",
        "[1.5]",
        "  ",
        "[[]]",
        "[[1.5]]",
        "[[true]]",
        '[["skip"]]',
        "{}",
        "[[1]",
        "[" * 100_000,
    ],
)
def test_what_is_no_list_of_rows_is_refused(tmp_path: Path, genotype: str) -> None:
    path = write_csv(tmp_path / "t.csv", [("[[1]]", 0, 1, 1.0), (genotype, 0, 1, 1.0)])
    with pytest.raises(TableError, match=r"t\.csv: genotype: .* is no list of rows") as error:
        Curves.read(path)
    assert len(str(error.value)) < 300


def test_steps_start_at_one(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="step: -1 is below 1"):
        Curves.read(write_csv(tmp_path / "t.csv", [("[[1]]", 0, -1, 1.0)]))
    with pytest.raises(TableError, match="step: all rows are of step 0, before any training"):
        Curves.read(write_csv(tmp_path / "t.csv", [("[[1]]", 0, 0, 1.0)]))
