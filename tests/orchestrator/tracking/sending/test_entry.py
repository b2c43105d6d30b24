import pytest
from pydantic import ValidationError

from orchestrator.tracking.sending.entry import Dataset, Entry


def test_an_entry_comes_back_from_its_file_unchanged():
    entry = Entry(
        time=1_700_000_000_000,
        step=50,
        metrics={"loss": 0.1 + 0.2},
        params={"seed": "3"},
        tags={"error": "naïve"},
        files={"a/b.png": bytes(range(256))},
        images={"samples": b"\x89PNG"},
        dataset=Dataset(name="digits", fingerprint="0123"),
        status="FINISHED",
    )
    assert Entry.model_validate_json(entry.model_dump_json()) == entry


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "..", "a/.."])
def test_no_file_leaves_the_runs_artifacts(path):
    with pytest.raises(ValidationError, match="must stay below the run's artifacts"):
        Entry(files={path: b""})
