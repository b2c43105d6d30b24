"""Bad input of all kinds, and how to tell that it was refused decently."""

import copy
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from search_space.errors import UserError

LONGEST_LINE = 1000
"""Characters; a message is read by a person."""

many = settings(max_examples=100, derandomize=True, database=None)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**63, 10**30, -(10**30)]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["../../x", "/etc/passwd", "a\0b", "", " ", "x" * 5000, "${HOME}", "~", "\ud800", "!!python"]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | scalars, inner, max_size=3)
    ),
    max_leaves=6,
)


class Bomb:
    """Unpickled, it would leave a file; nothing may ever do that."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.trace),)


def pickles(trace: Path) -> Iterator[bytes]:
    """Of every protocol, alone and inside of what is expected."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.dumps(Bomb(trace), protocol)
        yield pickle.dumps({"state": Bomb(trace), "genotype": [Bomb(trace)]}, protocol)


def refused_or_fine(read: Callable[[], object]) -> bool:
    """Whether it was read; if not, it must have been refused in lines that a person can read."""
    try:
        read()
    except UserError as error:
        text = str(error)
        assert text.strip()
        assert "Traceback" not in text
        assert all(len(line) <= LONGEST_LINE for line in text.splitlines()), len(text)
        return False
    return True


def places(document: object, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something could be replaced."""
    if prefix:
        yield prefix
    if isinstance(document, dict):
        for key, value in document.items():
            yield from places(value, (*prefix, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from places(value, (*prefix, index))


def replaced(document: Any, place: tuple[Any, ...], value: object) -> Any:
    """A copy with something else there."""
    result = inner = copy.deepcopy(document)
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return result


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Cut short, with bytes changed, or with bytes that nobody ordered."""
    at = draw(st.integers(0, len(content)))
    match draw(st.sampled_from(["cut", "changed", "inserted"])):
        case "cut":
            return content[:at]
        case "changed":
            new = draw(st.binary(min_size=1, max_size=8))
            return content[:at] + new + content[at + len(new) :]
        case _:
            return content[:at] + draw(st.binary(min_size=1, max_size=40)) + content[at:]
