"""Additions to a prompt, in every order in which the child may answer them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from claude_agent_sdk import CLIConnectionError

from bot.agent.conversation import Conversation
from bot.agent.reply import Reply
from bot.errors import ConversationDied
from tests.agent.fakes import FakeClient, aborted, result, spoken
from tests.agent.test_conversation import asking, running, talk

FIRST, MILK, SUGAR = "uuid of the tea", "uuid of the milk", "uuid of the sugar"


@pytest.fixture
def client() -> FakeClient:
    """Return a client without a child."""
    return FakeClient()


@pytest.fixture
async def conversation(client: FakeClient, tmp_path: Path) -> AsyncIterator[Conversation]:
    """Open a conversation; it is closed in the end."""
    async with running(talk(client, tmp_path)) as conversation:
        await conversation.opened()
        yield conversation


async def add(conversation: Conversation, *whats: str) -> None:
    """Add to what is asked."""
    for what in whats:
        assert await conversation.add(what, prompt_uuid=f"uuid of {what}")


async def hear(conversation: Conversation, uuid: str) -> Reply | None:
    """Wait for the answer to an addition."""
    return await conversation.hear(uuid, timeout_s=10, silence_s=10)


async def test_an_absorbed_addition_has_no_answer_of_its_own(
    conversation: Conversation, client: FakeClient
) -> None:
    """The result names it: the reply says so, and nothing is left to be heard."""
    async with asking(conversation, "the tea") as task:
        await add(conversation, "the milk")
        client.say(spoken("Tea with milk."), result(MILK, FIRST))
    reply = await task
    assert isinstance(reply, Reply)
    assert (reply.text, reply.prompts, reply.kept_as) == ("Tea with milk.", (MILK, FIRST), FIRST)
    assert await hear(conversation, MILK) is None


async def test_an_answer_that_may_cover_more_is_known_by_its_result(
    conversation: Conversation, client: FakeClient
) -> None:
    """Without additions its last word is enough."""
    async with asking(conversation, "the tea") as task:
        await add(conversation, "the milk")
        client.stream("Tea.")
        await anyio.wait_all_tasks_blocked()
        assert not task.done()
        client.say(result(FIRST))
    reply = await task
    assert isinstance(reply, Reply)
    assert (reply.text, reply.prompts) == ("Tea.", (FIRST,))


async def test_merged_additions_are_heard_by_the_first(
    conversation: Conversation, client: FakeClient
) -> None:
    """The child goes on by itself; one answer for both, under the uuid of the last."""
    async with asking(conversation, "the tea"):
        await add(conversation, "the milk", "the sugar")
        client.answer(FIRST, "Tea.")
    hearing = asyncio.create_task(hear(conversation, MILK))
    await anyio.wait_all_tasks_blocked()
    assert not hearing.done()
    client.say(spoken("Milk and sugar."), result(MILK, SUGAR))
    reply = await hearing
    assert reply is not None
    assert (reply.text, reply.prompts, reply.kept_as) == ("Milk and sugar.", (MILK, SUGAR), SUGAR)
    assert await hear(conversation, SUGAR) is None
    assert [prompt["uuid"] for prompt in client.prompts] == [FIRST, MILK, SUGAR]


async def test_an_answer_waits_for_whoever_comes_late(
    conversation: Conversation, client: FakeClient
) -> None:
    """The first answer was still being posted when the second was complete."""
    async with asking(conversation, "the tea"):
        await add(conversation, "the milk")
        client.answer(FIRST, "Tea.")
        client.answer(MILK, "Milk.")
    await anyio.wait_all_tasks_blocked()
    reply = await hear(conversation, MILK)
    assert reply is not None
    assert (reply.text, reply.prompts) == ("Milk.", ())
    assert await hear(conversation, MILK) is None


async def test_nothing_is_added_to_a_complete_answer(
    conversation: Conversation, client: FakeClient
) -> None:
    """Nor to nothing."""
    assert not await conversation.add("the milk", prompt_uuid=MILK)
    async with asking(conversation, "the tea"):
        client.stream("Tea.")
        await anyio.wait_all_tasks_blocked()
        assert not await conversation.add("the milk", prompt_uuid=MILK)
        client.say(result(FIRST))
    assert len(client.prompts) == 1


async def test_an_addition_never_overtakes_its_prompt(
    conversation: Conversation, client: FakeClient
) -> None:
    """Also when the child is slow to take that."""
    client.listens.clear()
    async with asking(conversation, "the tea"):
        adding = asyncio.create_task(conversation.add("the milk", prompt_uuid=MILK))
        await anyio.wait_all_tasks_blocked()
        assert client.prompts == []
        client.listens.set()
        assert await adding
        client.say(spoken("Tea."), result(FIRST, MILK))
    assert [prompt["uuid"] for prompt in client.prompts] == [FIRST, MILK]


async def test_an_addition_that_was_not_sent_is_not_waited_for(
    conversation: Conversation, client: FakeClient
) -> None:
    """Its sender is told; the prompt is answered."""
    query = client.query

    async def broken(prompt: object) -> None:
        _ = prompt
        raise CLIConnectionError("x")

    async with asking(conversation, "the tea") as task:
        client.query = broken
        with pytest.raises(ConversationDied):
            await conversation.add("the milk", prompt_uuid=MILK)
        client.query = query
        client.answer(FIRST, "Tea.")
    assert (await task).text == "Tea."
    assert await hear(conversation, MILK) is None


async def test_an_addition_outlives_a_failed_prompt(
    conversation: Conversation, client: FakeClient
) -> None:
    """What was interrupted is named alone; the child begins what it has kept."""
    async with asking(conversation, "the tea", timeout_s=0.01) as task:
        await add(conversation, "the milk")
        client.on_interrupt = lambda: client.say(aborted(FIRST))
    assert task.exception() is not None
    hearing = asyncio.create_task(hear(conversation, MILK))
    await anyio.wait_all_tasks_blocked()
    client.answer(MILK, "Milk.")
    reply = await hearing
    assert reply is not None
    assert reply.text == "Milk."


async def test_additions_die_with_the_child(conversation: Conversation, client: FakeClient) -> None:
    """Nobody waits for them for ever."""
    async with asking(conversation, "the tea"):
        await add(conversation, "the milk")
        client.answer(FIRST, "Tea.")
    hearing = asyncio.create_task(hear(conversation, MILK))
    await anyio.wait_all_tasks_blocked()
    client.die()
    with pytest.raises(ConversationDied):
        await hearing


async def test_the_next_prompt_ends_what_nobody_came_for(
    conversation: Conversation, client: FakeClient
) -> None:
    """It would get that one's answer else."""
    async with asking(conversation, "the tea"):
        await add(conversation, "the milk")
        client.answer(FIRST, "Tea.")
    client.on_interrupt = lambda: client.say(aborted(MILK))
    async with asking(conversation, "the bread") as task:
        client.answer("uuid of the bread", "Bread.")
    assert (await task).text == "Bread."
    assert client.calls.count("interrupt") == 1
