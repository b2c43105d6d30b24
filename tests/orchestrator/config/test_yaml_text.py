import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config.errors import ConfigError
from orchestrator.config.files import LARGEST, read_source, read_yaml, write_yaml

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
)
printable = st.characters(exclude_categories=("C", "Zl", "Zp"))  # PyYAML folds U+0085 and its like
texts = st.text(printable) | st.sampled_from(
    ["1e4", "-.5E7", "1234567e8", "no", "null", "~", "12:30", "2024-01-01", "007"]
)
documents = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, documents, max_size=5))
def test_what_is_written_is_read_back(document):
    again = read_yaml(write_yaml(document), "text")
    assert again == document
    assert repr(again) == repr(document)  # 1 is not 1.0, nor True


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("2E5", 2e5),
        ("-1.5e+3", -1500.0),
        (".5e1", 5.0),
        ("1_000", 1000),
        ("e5", "e5"),
        ("1e", "1e"),
    ],
)
def test_numbers_with_an_exponent_need_no_decimal_point(text, value):
    assert read_yaml(f"key: {text}", "text") == {"key": value}


def test_a_text_longer_than_any_configuration_is_refused_before_it_is_read(tmp_path):
    file = tmp_path / "long.yaml"
    with file.open("wb") as sparse:
        sparse.truncate(2**33)  # more than this machine's memory would hold as text
    with pytest.raises(ConfigError, match=r"long\.yaml: has more than 262,144 characters"):
        read_source(str(file))
    with pytest.raises(ConfigError, match=r"--seed: has more than 262,144 characters"):
        read_yaml("[" + "1," * 2**17 + "]", "--seed")


def test_a_key_given_twice_is_refused_with_its_line():
    with pytest.raises(ConfigError, match=r"^run\.yaml, line 4: duplicate key 'steps'$"):
        read_yaml("seed: 1\nsearch:\n  steps: 1\n  steps: 2\n", "run.yaml")


def test_a_syntax_error_is_one_line_with_its_number():
    with pytest.raises(ConfigError) as mistake:
        read_yaml("seed: 1\nsearch: [1, 2\nretrain: 3\n", "run.yaml")
    assert str(mistake.value).startswith("run.yaml, line 3: expected ',' or ']'")
    assert "\n" not in str(mistake.value)


def test_characters_that_yaml_forbids_are_a_mistake_of_one_line():
    with pytest.raises(ConfigError, match=r"^run\.yaml: not YAML: ") as mistake:
        read_yaml("seed: \x00", "run.yaml")
    assert "\n" not in str(mistake.value)


def test_no_python_object_is_ever_made():
    with pytest.raises(ConfigError, match=r"^run\.yaml, line 1: could not determine a constructor"):
        read_yaml("seed: !!python/object/apply:os.getcwd []", "run.yaml")


def test_lists_are_written_on_one_line():
    assert write_yaml({"betas": [0.0, 0.9], "data": {"name": "x"}}) == "betas: [0.0, 0.9]\ndata:\n  name: x\n"
