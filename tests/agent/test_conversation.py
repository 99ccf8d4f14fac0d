"""A conversation over a client without a child: every order in which things can happen."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from claude_agent_sdk import CLIConnectionError, CLINotFoundError, ResultError

from bot.agent import conversation as conversation_module
from bot.agent.boots import Boots
from bot.agent.conversation import Conversation
from bot.agent.folders import AgentFolders
from bot.agent.line import Ticket, Urgency
from bot.config.bot import Bot
from bot.config.settings import AgentAccess
from bot.errors import (
    AgentMissing,
    AgentStartFailed,
    ConversationDied,
    ModelFailed,
    SessionLost,
    TurnTimedOut,
)
from tests.agent.bots import ADA, ada
from tests.agent.conftest import fresh
from tests.agent.fakes import FakeClient, aborted, event, result, spoken

BROKEN = ResultError("x", data={"errors": ["Configuration error in /x/.claude.json: bad"]})
LOST = ResultError("x", data={"errors": ["No conversation found with session ID: y"]})


@pytest.fixture
def client() -> FakeClient:
    """Return a client without a child."""
    return FakeClient()


def talk(client: FakeClient, tmp_path: Path, bot: Bot = ADA) -> Conversation:
    """Return a conversation over *client* that does not run yet."""
    conversation = Conversation(
        bot,
        fresh(),
        access=AgentAccess(api_key="sk-x"),
        folders=AgentFolders(root=tmp_path),
        boots=Boots(1),
        ticket=Ticket(Urgency.TURN),
        client=client,
    )
    conversation.on_cost = client.costs.append
    return conversation


@pytest.fixture
async def conversation(client: FakeClient, tmp_path: Path) -> AsyncIterator[Conversation]:
    """Open a conversation; it is closed in the end."""
    async with running(talk(client, tmp_path)) as conversation:
        await conversation.opened()
        yield conversation


@asynccontextmanager
async def running(conversation: Conversation) -> AsyncIterator[Conversation]:
    """Run a conversation until the block ends."""
    async with asyncio.TaskGroup() as group:
        group.create_task(conversation.run())
        yield conversation
        await conversation.close()


@asynccontextmanager
async def asking(
    conversation: Conversation,
    text: str = "hello",
    *,
    timeout_s: float = 60,
    silence_s: float = 60,
) -> AsyncIterator["asyncio.Task[object]"]:
    """Ask something while the block runs."""
    ask = conversation.ask(
        text, prompt_uuid=f"uuid of {text}", timeout_s=timeout_s, silence_s=silence_s
    )
    task = asyncio.create_task(ask)
    await anyio.wait_all_tasks_blocked()
    yield task
    await asyncio.wait([task])


async def test_answer_is_what_the_prompt_got(
    conversation: Conversation, client: FakeClient
) -> None:
    """The prompt carries our uuid, and the result that names it ends the wait."""
    async with asking(conversation) as task:
        client.answer("uuid of hello", "Hello, Kim.")
    assert (await task).text == "Hello, Kim."
    assert client.prompts[0]["message"] == {"role": "user", "content": "hello"}
    assert conversation.usable


async def test_results_of_others_are_not_ours(
    conversation: Conversation, client: FakeClient
) -> None:
    """A result that names another prompt, or none, does not end the wait."""
    async with asking(conversation) as task:
        client.say(result("another"), result())
        await anyio.wait_all_tasks_blocked()
        assert not task.done()
        client.answer("uuid of hello", "mine")
    assert (await task).text == "mine"


async def test_result_of_merged_prompts_names_them_all(
    conversation: Conversation, client: FakeClient
) -> None:
    """The child may answer several prompts at once; ours is among those that it names."""
    async with asking(conversation):
        client.say(spoken("both"), result("uuid of hello", "another"))


async def test_interrupted_prompt_is_seen_to_its_end(
    conversation: Conversation, client: FakeClient
) -> None:
    """After a timeout its last message is waited for, so that the next prompt starts clean."""
    client.on_interrupt = lambda: client.say(spoken("half"), aborted("uuid of hello"))
    async with asking(conversation, timeout_s=0) as task:
        pass
    with pytest.raises(TurnTimedOut):
        await task
    async with asking(conversation, "next") as task:
        client.answer("uuid of next", "whole")
    assert (await task).text == "whole"


async def test_interrupted_prompt_may_end_without_a_name(
    conversation: Conversation, client: FakeClient
) -> None:
    """A nameless result ends an interrupted prompt; one that comes late does not end the next."""
    client.on_interrupt = lambda: client.say(aborted())
    async with asking(conversation, timeout_s=0) as task:
        pass
    with pytest.raises(TurnTimedOut):
        await task
    async with asking(conversation, "next") as task:
        client.say(aborted("uuid of hello"), aborted())
        await anyio.wait_all_tasks_blocked()
        assert not task.done()
        client.answer("uuid of next", "whole")
    assert (await task).text == "whole"


async def test_answer_at_the_last_moment_counts(
    conversation: Conversation, client: FakeClient
) -> None:
    """What is answered while it is interrupted is an answer: the agent remembers giving it."""
    client.on_interrupt = lambda: client.answer("uuid of hello", "just in time")
    async with asking(conversation, timeout_s=0) as task:
        pass
    assert (await task).text == "just in time"
    assert conversation.usable


async def test_answer_does_not_wait_for_the_result(
    conversation: Conversation, client: FakeClient
) -> None:
    """The next prompt does: the child would merge the two."""
    async with asking(conversation) as task:
        client.stream("Hello, Kim.")
    assert (await task).text == "Hello, Kim."
    assert conversation.usable
    async with asking(conversation, "next") as task:
        assert client.calls.count("query") == 1
        client.say(result("uuid of hello", total_cost_usd=0.25))
        await anyio.wait_all_tasks_blocked()
        assert client.calls.count("query") == 2
        client.answer("uuid of next", "And?")
    assert (await task).text == "And?"
    assert client.costs == [0.25, 0.5]


async def test_result_that_does_not_come_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, conversation: Conversation, client: FakeClient
) -> None:
    """A child that hangs after its answer is interrupted before the next prompt."""
    client.on_interrupt = lambda: client.say(aborted("uuid of hello"))
    async with asking(conversation):
        client.stream("Hello, Kim.")
    monkeypatch.setattr(conversation_module, "_REST_S", 0)
    async with asking(conversation, "next") as task:
        await client.called("query", times=2)
        client.answer("uuid of next", "whole")
    assert (await task).text == "whole"


async def test_close_lets_the_child_write_its_answer_down(
    conversation: Conversation, client: FakeClient
) -> None:
    """A complete answer is not interrupted: its result is waited for, though not for long."""
    async with asking(conversation):
        client.stream("Hello, Kim.")
    closing = asyncio.create_task(conversation.close())
    await anyio.wait_all_tasks_blocked()
    client.say(result("uuid of hello"))
    await closing
    assert client.calls == ["connect", "query", "disconnect"]


async def test_silent_child_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, conversation: Conversation, client: FakeClient
) -> None:
    """Without a last message nobody knows what the child will say next."""
    monkeypatch.setattr(conversation_module, "_SILENCE_S", 0)
    client.obeys.clear()
    async with asking(conversation, timeout_s=0) as task:
        pass
    with pytest.raises(TurnTimedOut):
        await task
    assert not conversation.usable
    with pytest.raises(ConversationDied):
        await conversation.ask("next", prompt_uuid="x", timeout_s=1, silence_s=1)
    client.obeys.set()


async def test_child_that_does_not_read_is_timed_out(
    conversation: Conversation, client: FakeClient
) -> None:
    """Sending counts too: a full pipe to a hung child would take the prompt for ever."""
    client.listens.clear()
    client.on_interrupt = lambda: client.say(aborted())
    async with asking(conversation, timeout_s=0.01) as task:
        pass
    with pytest.raises(TurnTimedOut):
        await task


async def test_cancelled_asker_interrupts_the_child(
    conversation: Conversation, client: FakeClient
) -> None:
    """Nobody waits for the answer any more: the child must not go on, nor be asked again."""
    async with asking(conversation) as task:
        task.cancel()
    assert not conversation.usable
    await conversation.close()
    assert client.calls == ["connect", "query", "interrupt", "disconnect"]
    assert not conversation.died


async def test_hushed_child_can_be_asked_again(
    conversation: Conversation, client: FakeClient
) -> None:
    """It drops the prompt that nobody waits for any more; nothing of it leaks into the next."""
    client.on_interrupt = lambda: client.say(spoken("half"), aborted("uuid of hello"))
    async with asking(conversation) as task:
        task.cancel()
    await conversation.hush()
    assert conversation.usable
    await conversation.hush()
    async with asking(conversation, "next") as task:
        client.answer("uuid of next", "whole")
    assert (await task).text == "whole"
    assert client.calls.count("interrupt") == 1


async def test_child_that_is_not_hushed_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, conversation: Conversation, client: FakeClient
) -> None:
    """It does not listen, and so it is ended."""
    monkeypatch.setattr(conversation_module, "_HUSH_S", 0)
    client.obeys.clear()
    async with asking(conversation) as task:
        task.cancel()
    await conversation.hush()
    assert (conversation.usable, conversation.silenced) == (False, True)
    client.obeys.set()


async def test_asker_cancelled_while_it_interrupts_leaves_nothing_usable(
    conversation: Conversation, client: FakeClient
) -> None:
    """A prompt whose end nobody saw may still answer: the next one goes to another child."""
    client.obeys.clear()
    async with asking(conversation, timeout_s=0) as task:
        await anyio.wait_all_tasks_blocked()
        assert client.calls[-1] == "interrupt"
        task.cancel()
    assert task.cancelled()
    assert not conversation.usable
    client.obeys.set()


async def test_death_is_told_to_the_asker(conversation: Conversation, client: FakeClient) -> None:
    """Whoever waits for an answer learns at once that there will be none."""
    async with asking(conversation) as task:
        client.die()
    with pytest.raises(ConversationDied, match="exit code -9"):
        await task
    await conversation.ended.wait()
    assert conversation.died
    assert not conversation.usable


async def test_end_of_output_is_a_death(conversation: Conversation, client: FakeClient) -> None:
    """A child that says nothing more is of no use, whether it lives or not."""
    client.end()
    await conversation.ended.wait()
    assert conversation.died


async def test_closed_conversation_did_not_die(
    conversation: Conversation, client: FakeClient
) -> None:
    """An end that we wanted is not one on its own, and may be wanted twice."""
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(conversation.close())
    await conversation.close()
    assert client.calls == ["connect", "disconnect"]
    assert not conversation.died


async def test_second_close_does_not_cut_the_first_short(
    conversation: Conversation, client: FakeClient
) -> None:
    """The child is given its time to write down what it knows."""
    client.leaves.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(conversation.close())
        await anyio.wait_all_tasks_blocked()
        group.create_task(conversation.close())
        await anyio.wait_all_tasks_blocked()
        assert not conversation.ended.is_set()
        client.leaves.set()
    assert client.calls.count("disconnect") == 1


async def test_close_of_a_dead_child_waits_for_its_end(
    conversation: Conversation, client: FakeClient
) -> None:
    """What a child left behind is being cleared away already: that is not to be cut short."""
    client.leaves.clear()
    client.die()
    await client.called("disconnect")
    closing = asyncio.create_task(conversation.close())
    await anyio.wait_all_tasks_blocked()
    assert not conversation.ended.is_set()
    client.leaves.set()
    await closing
    assert client.calls == ["connect", "disconnect"]
    assert conversation.died


async def test_close_while_booting(client: FakeClient, tmp_path: Path) -> None:
    """Whoever waits for the boot learns that it was given up."""
    client.boots.clear()
    async with running(talk(client, tmp_path)) as conversation:
        await client.called("connect")
        opening = asyncio.create_task(conversation.opened())
        await anyio.wait_all_tasks_blocked()
        await conversation.close()
        with pytest.raises(AgentStartFailed, match="was closed"):
            await opening
        assert not conversation.died


async def test_close_before_it_runs(client: FakeClient, tmp_path: Path) -> None:
    """A conversation that was closed first never starts a child, and nobody waits for it."""
    conversation = talk(client, tmp_path)
    await conversation.close()
    await conversation.run()
    with pytest.raises(AgentStartFailed):
        await conversation.opened()
    assert client.calls == []
    assert conversation.ended.is_set()


async def broken_group(conversation: Conversation) -> None:
    """Ask in a task group that a bug ends."""
    async with asyncio.TaskGroup() as group:
        group.create_task(conversation.run())
        await conversation.opened()
        group.create_task(conversation.ask("hello", prompt_uuid="x", timeout_s=60, silence_s=60))
        await anyio.wait_all_tasks_blocked()
        raise ZeroDivisionError


async def test_owner_that_is_cancelled_ends_the_child(client: FakeClient, tmp_path: Path) -> None:
    """A bug elsewhere in the task group ends the child in order, and whoever asks is told."""
    conversation = talk(client, tmp_path)
    with pytest.raises(ExceptionGroup) as failed:
        await broken_group(conversation)
    assert failed.group_contains(ZeroDivisionError)
    assert client.calls[-1] == "disconnect"
    assert conversation.ended.is_set()


async def test_child_that_does_not_leave_is_let_go_a_second_time(
    monkeypatch: pytest.MonkeyPatch, client: FakeClient, tmp_path: Path
) -> None:
    """The SDK's own way takes ten seconds; after two the child is killed and cleared away."""
    monkeypatch.setattr("bot.agent.boot._CLOSE_S", 0.01)
    client.leaves.clear()
    async with running(talk(client, tmp_path)) as conversation:
        await conversation.opened()
        closing = asyncio.create_task(conversation.close())
        await client.called("disconnect", times=2)
        client.leaves.set()
        await closing


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (LOST, SessionLost),
        (CLINotFoundError(), AgentMissing),
        (CLIConnectionError("no"), AgentStartFailed),
        (Exception("Control request timeout: initialize"), AgentStartFailed),
        (OSError("disk full"), AgentStartFailed),
    ],
)
async def test_failed_start_says_why(
    client: FakeClient, tmp_path: Path, raised: Exception, expected: type[Exception]
) -> None:
    """What the SDK raises is told in our words, and is no death on its own."""
    client.refusals = [raised]
    async with running(talk(client, tmp_path)) as conversation:
        with pytest.raises(expected):
            await conversation.opened()
        assert not conversation.died
        assert not conversation.usable


async def test_damaged_settings_cost_one_more_try(client: FakeClient, tmp_path: Path) -> None:
    """The damaged file is removed before it."""
    settings = tmp_path / "agent" / "ada" / ".claude.json"
    settings.parent.mkdir(parents=True)
    settings.write_text("garbage")
    client.refusals = [BROKEN]
    async with running(talk(client, tmp_path)) as conversation:
        await conversation.opened()
        assert not settings.exists()


async def test_settings_that_stay_damaged_are_a_failed_start(
    client: FakeClient, tmp_path: Path
) -> None:
    """One more try, not one after the other."""
    client.refusals = [BROKEN, BROKEN]
    async with running(talk(client, tmp_path)) as conversation:
        with pytest.raises(AgentStartFailed, match="Configuration error"):
            await conversation.opened()
        assert client.calls.count("connect") == 2


@pytest.mark.parametrize("bot", [ADA, ada(user="nobody-here")])
async def test_folders_that_cannot_be_made_are_a_failed_start(
    client: FakeClient, tmp_path: Path, bot: Bot
) -> None:
    """A full or read-only disk, or a wrong user, costs this turn and not the server."""
    if bot is ADA:
        (tmp_path / "work").write_text("in the way")
    async with running(talk(client, tmp_path, bot)) as conversation:
        with pytest.raises(AgentStartFailed):
            await conversation.opened()
        assert "connect" not in client.calls


async def test_bug_travels_to_the_owners_group(client: FakeClient, tmp_path: Path) -> None:
    """What is neither the SDK's nor the machine's is ours, and is not swallowed."""
    client.refusals = [ZeroDivisionError()]
    with pytest.raises(ExceptionGroup) as failed:
        async with running(talk(client, tmp_path)) as conversation:
            await conversation.ended.wait()
    assert failed.group_contains(ZeroDivisionError)


async def test_boots_are_bounded(tmp_path: Path) -> None:
    """A boot takes half a CPU second: the next one waits for its turn."""
    boots, clients = Boots(1), [FakeClient(), FakeClient()]
    clients[0].boots.clear()
    async with asyncio.TaskGroup() as group:
        for client in clients:
            conversation = talk(client, tmp_path)
            conversation._boots = boots
            group.create_task(conversation.run())
            group.create_task(close_once_open(conversation))
        await clients[0].called("connect")
        await anyio.wait_all_tasks_blocked()
        assert clients[1].calls == []
        clients[0].boots.set()


async def close_once_open(conversation: Conversation) -> None:
    """Close a conversation as soon as it has booted."""
    await conversation.opened()
    await conversation.close()


async def test_failure_of_the_model_leaves_it_usable(
    conversation: Conversation, client: FakeClient
) -> None:
    """The child survives what the model's service refuses."""
    async with asking(conversation) as task:
        client.say(result("uuid of hello", is_error=True, api_error_status=529))
    with pytest.raises(ModelFailed):
        await task
    assert conversation.usable


async def test_silence_is_interrupted(conversation: Conversation, client: FakeClient) -> None:
    """A child that says nothing any more costs its turn long before the turn's own limit."""
    client.on_interrupt = lambda: client.say(aborted("uuid of hello"))
    async with asking(conversation, timeout_s=60, silence_s=0) as task:
        pass
    with pytest.raises(TurnTimedOut, match="said nothing for 0 s"):
        await task
    assert conversation.usable
    assert not conversation.silenced


async def test_every_word_is_a_sign_of_life(conversation: Conversation, client: FakeClient) -> None:
    """The silence is counted from the last word, of whatever kind."""
    async with asking(conversation, silence_s=60) as task:
        before = conversation.stuck_s
        assert before > 0
        client.say(event("ping"))
        await anyio.wait_all_tasks_blocked()
        assert conversation.stuck_s < before
        client.answer("uuid of hello", "Hello, Kim.")
    assert (await task).text == "Hello, Kim."


async def test_silence_after_an_interrupt_ends_the_child(
    conversation: Conversation, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not even react to that is killed, and counted."""
    monkeypatch.setattr(conversation_module, "_SILENCE_S", 0.01)
    async with asking(conversation, silence_s=0) as task:
        pass
    with pytest.raises(TurnTimedOut):
        await task
    assert client.calls.count("interrupt") == 1
    assert (conversation.silenced, conversation.usable) == (True, False)


async def test_an_idle_child_is_not_stuck(conversation: Conversation, client: FakeClient) -> None:
    """Only one that has something to do is; its answer ends that."""
    assert conversation.stuck_s == 0
    async with asking(conversation):
        assert conversation.stuck_s > 0
        client.answer("uuid of hello", "Hello, Kim.")
    assert conversation.stuck_s == 0


async def test_an_aborted_conversation_ends(client: FakeClient, tmp_path: Path) -> None:
    """Even when the SDK would wait for its child for ever; whoever asks is told."""
    conversation = talk(client, tmp_path)
    async with asyncio.TaskGroup() as group:
        group.create_task(conversation.run())
        await conversation.opened()
        async with asking(conversation) as task:
            conversation.abort()
        with pytest.raises(ConversationDied):
            await task
        await conversation.ended.wait()


async def test_an_end_that_hangs_can_be_aborted(client: FakeClient, tmp_path: Path) -> None:
    """The owner gives up what it waits for."""
    conversation = talk(client, tmp_path)
    client.leaves.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(conversation.run())
        await conversation.opened()
        closing = group.create_task(conversation.close())
        await client.called("disconnect")
        assert conversation.stuck_s > 0
        conversation.abort()
        await closing
    assert conversation.ended.is_set()


async def test_cost_goes_to_whoever_has_the_conversation(
    conversation: Conversation, client: FakeClient
) -> None:
    """A spare counts for nobody until it is claimed."""
    claimed: list[float] = []
    conversation.on_cost = claimed.append
    async with asking(conversation):
        client.say(result("uuid of hello", total_cost_usd=0.75))
    assert (claimed, client.costs) == ([0.75], [])


async def test_a_closed_conversation_leaves_no_circle_behind(
    client: FakeClient, tmp_path: Path
) -> None:
    """It goes by itself, with all that the child has said: nobody has to look for garbage."""
    gc.disable()
    try:
        async with running(talk(client, tmp_path)) as conversation:
            await conversation.opened()
            await anyio.wait_all_tasks_blocked()
        left = weakref.ref(conversation)
        del conversation
        assert left() is None
    finally:
        gc.enable()


async def test_a_conversation_that_has_ended_can_be_closed(
    client: FakeClient, tmp_path: Path
) -> None:
    """And aborted: whoever does it may not know yet."""
    async with running(talk(client, tmp_path)) as conversation:
        await conversation.opened()
        client.die()
        await conversation.ended.wait()
        await conversation.close()
        conversation.abort()
    assert client.calls == ["connect", "disconnect"]
