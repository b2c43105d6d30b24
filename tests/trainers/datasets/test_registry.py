from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from trainers.datasets.config import DataConfig
from trainers.datasets.registry import DATASETS

ADAPTER = TypeAdapter(DataConfig)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"name": "digits", "image_size": 0}, "image_size"),
        ({"name": "digits", "channels": 2}, "channels"),
        ({"name": "digits", "root": "data"}, "root"),
        ({"name": "cifar10"}, "root"),
        ({"name": "cifar10", "root": "data", "split": "validation"}, "split"),
        ({"name": "stl10", "root": "data", "split": "all"}, "split"),
        ({"name": "stl10", "root": "data", "download": "perhaps"}, "download"),
        ({"name": "image_folder", "root": "data"}, "image_size"),
        ({"name": "image_folder", "root": "data", "image_size": 8, "resize": "longer_side"}, "resize"),
        ({"name": "image_folder", "root": "data", "image_size": 8, "crop": "random"}, "crop"),
        ({"name": "image_folder", "root": "data", "image_size": 8, "on_broken": "ignore"}, "on_broken"),
        ({"name": "parquet", "image_size": 8}, "path"),
        ({"name": "parquet", "path": "a", "image_size": 8, "raw_layout": "wch"}, "raw_layout"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(options)
    assert [error["loc"] for error in caught.value.errors()] == [(options["name"], field)]


def test_an_unknown_data_set_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python({"name": "imagenet"})
    assert all(f"'{name}'" in str(caught.value) for name in DATASETS)


def test_folders_are_seen_from_where_the_run_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    assert ADAPTER.validate_python({"name": "cifar10", "root": "data"}).root == tmp_path / "data"
    assert ADAPTER.validate_python({"name": "cifar10", "root": "~/data"}).root == Path("/home/someone/data")
