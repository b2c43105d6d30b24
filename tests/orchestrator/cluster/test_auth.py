import stat

import pytest

from orchestrator.cluster import session as ray_token
from orchestrator.cluster.session import keep_token_private


@pytest.fixture
def token(tmp_path, monkeypatch):
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / ".ray" / "auth_token"
    monkeypatch.setattr(ray_token, "TOKEN_FILE", file)
    return file


def rights(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_token_is_its_owners_alone(token):
    keep_token_private()
    assert (rights(token), rights(token.parent)) == (0o600, 0o700)
    assert len(token.read_text()) == 64
    assert [file.name for file in token.parent.iterdir()] == ["auth_token"]


def test_each_has_its_own(token):
    keep_token_private()
    first = token.read_text()
    token.unlink()
    keep_token_private()
    assert token.read_text() != first


def test_one_that_ray_has_made_stays_but_is_hidden(token):
    token.parent.mkdir()
    token.write_text("Ray's")
    token.chmod(0o644)
    keep_token_private()
    assert (token.read_text(), rights(token)) == ("Ray's", 0o600)


@pytest.mark.parametrize(
    ("name", "value"),
    [("RAY_AUTH_MODE", "disabled"), ("RAY_AUTH_TOKEN", "x"), ("RAY_AUTH_TOKEN_PATH", "/there")],
)
def test_who_has_said_otherwise_gets_none(name, value, token, monkeypatch):
    monkeypatch.setenv(name, value)
    keep_token_private()
    assert not token.parent.exists()
