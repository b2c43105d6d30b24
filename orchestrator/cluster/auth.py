"""The user's token, by which Ray's processes know each other: only its owner may read it."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

TOKEN_FILE = Path("~/.ray/auth_token")
"""Where Ray looks for it, unless told otherwise."""

ELSEWHERE = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


def keep_token_private() -> None:
    """Make the token that a Ray of our own would make at its start, and be quicker: Ray's is for all to read.

    One that is there already loses what others may do with it.
    """
    if os.environ.get("RAY_AUTH_MODE", "token") != "token" or any(map(os.environ.get, ELSEWHERE)):
        return
    file = TOKEN_FILE.expanduser()
    if file.exists():
        if file.stat().st_uid == os.getuid():
            file.chmod(0o600)
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = file.with_name(f".{secrets.token_hex(8)}")
    try:
        with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_hex(32))
        with suppress(FileExistsError):  # another process was quicker; its token counts
            os.link(written, file)
    finally:
        written.unlink(missing_ok=True)
