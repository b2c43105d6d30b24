"""The actor behind a report channel. It has a module of its own so that its process does not import torch."""

import asyncio
from collections import deque
from contextlib import suppress


class Mailbox:
    """Passes bytes from many senders to one receiver without looking inside."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[bytes, asyncio.Event]] = deque()
        self._arrived = asyncio.Event()
        self._stopped = False

    async def put(self, packed: bytes) -> bool:
        """Wait until the receiver has dropped it; False once the mailbox is stopped."""
        acknowledged = asyncio.Event()
        self._waiting.append((packed, acknowledged))
        self._arrived.set()
        if not self._stopped:
            await acknowledged.wait()
        return not self._stopped

    async def oldest(self, seconds: float) -> bytes | None:
        """What waits longest, or None if nothing comes in time. It stays."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), seconds)
        return self._waiting[0][0] if self._waiting else None

    async def drop_oldest(self) -> None:
        """Let its sender continue."""
        _, acknowledged = self._waiting.popleft()
        acknowledged.set()
        if not self._waiting:
            self._arrived.clear()

    async def stop(self) -> None:
        """Let all senders go; what they sent stays."""
        self._stopped = True
        for _, acknowledged in self._waiting:
            acknowledged.set()
