"""Names for runs that have none."""

from datetime import datetime
from itertools import count
from pathlib import Path


def fresh_name(prefix: str, root: Path) -> str:
    """The prefix, date and time: a name that no run below the root has, taken by making its folder.

    In the hour that comes twice in autumn, after a clock was set back, or in one second with another, a new
    run would otherwise go on with an old one.
    """
    stem = f"{prefix}-{datetime.now():%Y%m%d-%H%M%S}"
    for number in count(1):
        name = stem if number == 1 else f"{stem}-{number}"
        try:
            (root / name).mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError:
            pass  # whoever writes there first says so, with the cure
        return name
    raise AssertionError("there is always another number")
