import pytest

from search_space.errors import one_line


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("no such table\n[SQL: SELECT 1]\n(Background on this error at ...)", "no such table"),
        ("Error(s) in loading Net:\n\tMissing key(s): a.", "Error(s) in loading Net: Missing key(s): a."),
        ("\n  two   words \n", "two words"),
        ("", "ValueError"),
        ("x" * 400, "x" * 300),
    ],
)
def test_an_error_of_many_lines_is_told_in_one(message, line):
    assert one_line(ValueError(message)) == line
