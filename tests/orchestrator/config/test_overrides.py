import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment, load_experiment
from orchestrator.config.files import read_yaml
from orchestrator.config.overrides import apply_overrides, options, parsed

KNOWN = options(Experiment)
DOCUMENT = load_experiment("cifar10").model_dump(mode="json")
NAMES = sorted(
    name for name in KNOWN if not name.startswith("data.") and name.removesuffix(".name") not in KNOWN.kinds
)
values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.lists(st.integers())
)


def flat(document, prefix=""):
    """Dotted name -> value, written anew rather than taken from the code."""
    if not isinstance(document, dict):
        return {prefix: document}
    found = {}
    for key, value in document.items():
        found |= flat(value, f"{prefix}.{key}" if prefix else key)
    return found


@given(st.dictionaries(st.sampled_from(NAMES), values, max_size=6))
def test_named_options_change_and_no_others(overrides):
    assert flat(apply_overrides(DOCUMENT, overrides, KNOWN)) == flat(DOCUMENT) | overrides


def test_an_option_of_a_section_that_is_off_brings_the_section():
    assert apply_overrides({"select": None}, {"select.limit": 3}, KNOWN) == {"select": {"limit": 3}}


@given(st.dictionaries(st.sampled_from(NAMES), values, max_size=6))
def test_the_document_given_stays_as_it_was(overrides):
    before = copy.deepcopy(DOCUMENT)
    apply_overrides(DOCUMENT, overrides, KNOWN)
    assert before == DOCUMENT


@given(st.dictionaries(st.sampled_from(NAMES), values, max_size=6), st.randoms())
def test_the_order_of_options_does_not_matter(overrides, random):
    items = list(overrides.items())
    random.shuffle(items)
    assert apply_overrides(DOCUMENT, dict(items), KNOWN) == apply_overrides(DOCUMENT, overrides, KNOWN)


def test_a_section_that_a_yaml_anchor_repeats_changes_in_one_place_only():
    document = read_yaml("search: {evaluation: &same {samples: 5}}\nretrain: {evaluation: *same}", "text")
    result = apply_overrides(document, {"retrain.evaluation.samples": 7}, options(Experiment))
    assert result == {"search": {"evaluation": {"samples": 5}}, "retrain": {"evaluation": {"samples": 7}}}


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters=".")))
def test_a_name_that_does_not_exist_is_refused_wherever_it_stands(name):
    for dotted in (name, f"search.{name}", f"search.steps.{name}"):
        if dotted not in KNOWN and not any(known.startswith(f"{dotted}.") for known in KNOWN):
            with pytest.raises(ConfigError, match="unknown name"):
                apply_overrides(DOCUMENT, {dotted: 1}, KNOWN)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_integers_are_read_as_such(number):
    assert parsed("search.steps", str(number), KNOWN) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_exactly(number):
    assert parsed("search.strategy.tau_end", repr(number), KNOWN) == number


@given(st.text())
def test_names_and_paths_are_taken_as_they_stand(text):
    expected = None if text in ("null", "~") else text
    assert parsed("retrain.genotype", text, KNOWN) == expected
    assert parsed("data.root", text, KNOWN) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("-1", -1),
        ("1e3", 1000.0),
        ("true", True),
        ("[0.0, 0.9]", [0.0, 0.9]),
        ("[fd, is]", ["fd", "is"]),
        ("{channels: 12}", {"channels": 12}),
        ("gumbel", "gumbel"),
    ],
)
def test_other_options_are_yaml(text, value):
    assert parsed("search.strategy.tau_end", text, KNOWN) == value


def test_a_section_can_be_replaced_as_a_whole():
    network = {"channels": 3}
    changed = apply_overrides(DOCUMENT, {"search.discriminator": network}, KNOWN)
    assert changed["search"]["discriminator"] == network


def test_another_data_set_keeps_size_and_channels_and_drops_what_was_the_other_ones():
    stl10 = load_experiment("stl10").model_dump(mode="json")
    changed = apply_overrides(stl10, {"data.root": "photos", "data.name": "image_folder"}, KNOWN)
    assert changed["data"] == {"name": "image_folder", "image_size": 48, "channels": 3, "root": "photos"}


def test_the_same_data_set_named_again_keeps_everything():
    stl10 = load_experiment("stl10").model_dump(mode="json")
    assert apply_overrides(stl10, {"data.name": "stl10"}, KNOWN) == stl10


def test_a_value_where_a_section_should_be_is_named():
    with pytest.raises(ConfigError, match=r"^search\.steps = 3: search is 5 here, not a section$"):
        apply_overrides({"search": 5}, {"search.steps": 3}, KNOWN)
