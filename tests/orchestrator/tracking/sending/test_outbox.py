import pytest

from orchestrator.tracking import TrackingError
from orchestrator.tracking.sending.entry import Entry
from orchestrator.tracking.sending.outbox import Outbox


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"metrics": {"loss"',
        b'{"files": {"../../x": "eA=="}}',
        Entry(step=1).model_dump_json().encode()[:-9],
    ],
)
def test_what_waits_is_damaged(content, tmp_path):
    (tmp_path / "0.json").write_bytes(content)
    with pytest.raises(
        TrackingError, match=r"0.json: .*; move the file away to go on without what it holds"
    ) as raised:
        Outbox(None, "run", tmp_path).flush()
    assert "\n" not in str(raised.value)
    assert (tmp_path / "0.json").read_bytes() == content
