from orchestrator.config.identity import flatten


def test_values_look_as_in_a_configuration_file():
    config = {"name": None, "data": {"name": "digits", "crop": (1, 2), "flip": True}, "lr": 2e-4}
    assert flatten(config) == {
        "name": "null",
        "data.name": "digits",
        "data.crop": "[1, 2]",
        "data.flip": "true",
        "lr": "0.0002",
    }


def test_a_value_is_cut_where_pages_would_not_show_it():
    assert flatten({"path": "a" * 501}) == {"path": "a" * 500}
