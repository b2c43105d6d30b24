"""The mailbox between workers and driver; its actor's methods are plain coroutines, so Ray is not needed."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from orchestrator.cluster.mailbox import Mailbox


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 10))


def test_a_sender_waits_until_its_message_is_acknowledged() -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        sender = asyncio.create_task(mailbox.put(b"one"))
        assert await mailbox.oldest(5) == b"one"
        assert await mailbox.oldest(5) == b"one"
        assert not sender.done()
        await mailbox.drop_oldest()
        assert await sender is True
        assert await mailbox.oldest(0) is None

    run(scenario())


def test_messages_come_out_in_the_order_they_went_in() -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        senders = [asyncio.create_task(mailbox.put(name)) for name in (b"one", b"two", b"three")]
        received = []
        for _ in senders:
            received.append(await mailbox.oldest(5))
            await mailbox.drop_oldest()
        assert received == [b"one", b"two", b"three"]
        assert await asyncio.gather(*senders) == [True, True, True]

    run(scenario())


def test_looking_into_an_empty_mailbox_ends_after_the_given_time_or_when_something_arrives() -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        assert await mailbox.oldest(0.01) is None
        looking = asyncio.create_task(mailbox.oldest(8))
        await asyncio.sleep(0.01)
        sender = asyncio.create_task(mailbox.put(b"one"))
        assert await looking == b"one"
        sender.cancel()

    run(scenario())


@pytest.mark.parametrize("before", [True, False])
def test_stopping_turns_senders_away(before: bool) -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        if before:
            await mailbox.stop()
        sender = asyncio.create_task(mailbox.put(b"one"))
        await asyncio.sleep(0)
        if not before:
            await mailbox.stop()
        assert await sender is False
        # What was sent is still there to be recorded.
        assert await mailbox.oldest(0) == b"one"

    run(scenario())
