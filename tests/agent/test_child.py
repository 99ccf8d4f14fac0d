"""What only the SDK's real child can show. Each boot takes a third of a second, hence few tests."""

import asyncio
import json
import os
import signal
import stat
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from bot.agent import conversation as conversation_module
from bot.agent import launch, selfcheck
from bot.agent.agent import Agent
from bot.agent.conversation import Conversation
from bot.agent.folders import AgentFolders
from bot.agent.line import Ticket, Urgency
from bot.agent.preamble import instructions
from bot.agent.start import Fresh, Orphan, Resume, Unkept
from bot.agent.transcript import find_transcript
from bot.config.bot import McpServer
from bot.config.settings import AgentAccess
from bot.errors import ConversationDied, ModelFailed, SessionLost, TurnTimedOut
from bot.testing.model import Model, call_tool, drop, fail, say, stall
from tests.agent import processes, tools_of_ada
from tests.agent.bots import ADA, ada
from tests.agent.conftest import SOON_S, Opens, ask, fresh, opened
from tests.guards import children

KEY = "sk-the-key-of-the-tests"


async def ask_until_asked(
    conversation: Conversation, model: Model, text: str, *, prompt_uuid: str | None = None
) -> "asyncio.Task[object]":
    """Start asking, and return once the model has the question."""
    asking = asyncio.create_task(ask(conversation, text, prompt_uuid=prompt_uuid))
    await model.asked(text)
    return asking


async def written(folders: AgentFolders, start: Fresh, words: str) -> None:
    """Wait until the child has put *words* into the session's transcript: it does so in bundles."""

    def there() -> bool:
        path = find_transcript(folders.config("ada"), start.session_id)
        return path is not None and f'{words}"' in path.read_text()

    await processes.eventually(there)


async def test_child_inherits_nothing(
    monkeypatch: pytest.MonkeyPatch, opens: Opens, folders: AgentFolders
) -> None:
    """Its environment has our names only, its arguments no secret; it leads a group of its own."""
    for name, value in {"PLAIN": "x", "BASH_FUNC_x%%": "() {\n :; }", "CLAUDECODE": "1"}.items():
        monkeypatch.setenv(name, value)
    async with opens() as conversation:
        pid = processes.pid_of(conversation)
        expected = launch.child_environment(ada(), AgentAccess(), folders, inherited={})
        allowed = {*expected, "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"}
        allowed |= {"PWD", "CLAUDE_AGENT_SDK_VERSION"}
        found = processes.environment(pid)
        assert set(found) <= allowed - {"HEARTH_UNSET", "HEARTH_CHILD"}
        assert found["ANTHROPIC_API_KEY"] == KEY
        assert found["CLAUDE_CODE_ENTRYPOINT"] == "sdk-py"
        assert not [argument for argument in processes.arguments(pid) if KEY in argument]
        assert os.getpgid(pid) == pid
        assert conversation.pid == pid


async def test_model_gets_the_words_and_nothing_else(opens: Opens, model: Model) -> None:
    """No tools, no thinking, the persona; mentions and commands in a room's text stay text."""
    texts = ["see @/etc/passwd", "/clear", "/compact", "/cost"]
    async with opens() as conversation:
        for text in texts:
            await ask(conversation, text)
    request = model.requests[-1]
    assert list(request.turns) == texts
    assert not request.body.get("tools")
    assert request.body.get("thinking", {"type": "disabled"}) == {"type": "disabled"}
    assert request.body["system"][-1]["text"] == instructions(ADA)
    assert "root:" not in str(request.body)
    assert model.other_requests == ()
    assert model.refusals == ()


async def test_token_instead_of_key_keeps_no_memory(model: Model, folders: AgentFolders) -> None:
    """With an OAuth token the child is not bare; it still gets no memory, no file, no command."""
    access = AgentAccess(oauth_token="a-token-of-the-tests", base_url=model.url)
    agent = Agent(access, folders)
    async with opened(agent.conversation(ada(), fresh(), Ticket(Urgency.TURN))) as conversation:
        assert "--bare" not in processes.arguments(processes.pid_of(conversation))
        await ask(conversation, "see @/etc/passwd and remember it")
        await ask(conversation, "/clear")
    request = model.requests[-1]
    assert request.turns[-2:] == ("see @/etc/passwd and remember it", "/clear")
    assert "memory" not in str(request.body["system"]).lower()
    assert "root:" not in str(request.body)
    assert not list(folders.root.rglob("*emory*"))


@pytest.mark.parametrize("bare", [True, False])
async def test_an_unkept_session_writes_nothing_down(
    model: Model, folders: AgentFolders, *, bare: bool
) -> None:
    """Its words are in no file, with a key or a token; what else it leaves goes as a whole."""
    key, token = ("sk-x", None) if bare else (None, "a-token-of-the-tests")
    agent = Agent(AgentAccess(api_key=key, oauth_token=token, base_url=model.url), folders)
    start = Unkept(session_id=str(uuid4()))
    async with opened(agent.conversation(ADA, start, Ticket(Urgency.TURN))) as conversation:
        assert (await ask(conversation, "echo: the tea is cold")).text == "the tea is cold"
    files = [path for path in folders.root.rglob("*") if path.is_file()]
    assert not [path for path in files if b"the tea" in path.read_bytes()]
    assert await agent.transcript("ada", start.session_id) is None
    await agent.erase(start.session_id)
    assert not list(folders.root.rglob("*apart*"))
    assert not folders.config("ada").exists()
    await agent.erase(start.session_id)  # once more, for nothing


async def test_tools_of_both_kinds_work_together(model: Model, opens: Opens) -> None:
    """An in-process tool and an external server's are called; its secrets stay in a 0600 file."""
    server = McpServer(
        name="notes",
        transport="stdio",
        command=sys.executable,
        args=(str(Path(__file__).with_name("notes_server.py")),),
        env=(("NOTES_TOKEN", "token-of-the-notes"),),
    )
    tools_of_ada.CALLS.clear()
    bot = ada(mcp_servers=(server,), tools_from=("tests.agent.tools_of_ada:look",))
    model.script("look", call_tool("mcp__hearth__look", what="the moon"))
    model.script("read", call_tool("mcp__notes__read"))
    async with opens(bot=bot) as conversation:
        pid = processes.pid_of(conversation)
        assert (await ask(conversation, "look")).text == "The tool said: saw the moon"
        assert (
            await ask(conversation, "read")
        ).text == "The tool said: notes of token-of-the-notes"
        listed = processes.arguments(pid)
    assert tools_of_ada.CALLS == [{"what": "the moon"}]
    assert not [argument for argument in listed if "token-of-the-notes" in argument]
    (path,) = (Path(argument) for argument in listed if argument.endswith("ada.mcp.json"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_child_dies_with_a_killed_server(model: Model, tmp_path: Path) -> None:
    """A server that gets SIGKILL takes a child in the middle of a turn with it."""
    model.script("stall", stall())
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.agent.victim", str(tmp_path), model.url),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdout is not None
    pid = int(await server.stdout.readline())
    await model.asked("stall")
    server.kill()
    assert await processes.gone(pid)
    await server.wait()


async def test_hot_conversation_answers_each_prompt(
    opens: Opens, folders: AgentFolders, agent: Agent, costs: list[float]
) -> None:
    """One child answers one prompt after the other, and the transcript has every answer."""
    start, first, second = fresh(), str(uuid4()), str(uuid4())
    async with opens(start) as conversation:
        one = await ask(conversation, "my name is Kim", prompt_uuid=first)
        two = await ask(conversation, "what is my name?", prompt_uuid=second)
    assert (one.text, two.text) == ("Nice to meet you, Kim!", "Your name is Kim.")
    assert one.first_token_s is not None
    transcript = await agent.transcript("ada", start.session_id)
    assert transcript is not None
    assert [transcript.answer_to(uuid) for uuid in (first, second)] == [one.text, two.text]
    assert transcript.orphan() is None
    assert 0 < costs[0] < costs[1]
    assert transcript.cost_usd == pytest.approx(costs[-1])
    await agent.forget("ada", start.session_id)
    assert not list(folders.root.rglob(f"*{start.session_id}*"))


async def test_resume_takes_new_persona_and_counts_on(
    opens: Opens, model: Model, costs: list[float]
) -> None:
    """A changed system prompt applies to a resumed session, whose cost goes on from its total."""
    start = fresh()
    async with opens(start) as conversation:
        await ask(conversation, "my name is Kim")
    bot = ada(system_prompt="You are Ada, a pirate.")
    async with opens(Resume(session_id=start.session_id), bot) as conversation:
        second = await ask(conversation, "what is my name?")
    assert second.text == "Your name is Kim."
    assert model.requests[-1].body["system"][-1]["text"] == instructions(bot)
    assert 0 < costs[0] < costs[1]


async def test_timed_out_prompt_never_answers_the_next(opens: Opens, model: Model) -> None:
    """After a timeout the same child answers the next prompt, with that prompt's own answer."""
    model.script("slow", stall(2))
    async with opens() as conversation:
        with pytest.raises(TurnTimedOut, match=r"within 0\.5 s"):
            await ask(conversation, "slow one two three", timeout_s=0.5)
        assert conversation.usable
        assert (await ask(conversation, "echo: two")).text == "two"
        assert (await ask(conversation, "echo: three")).text == "three"


async def test_stopped_child_is_killed_after_the_timeout(
    monkeypatch: pytest.MonkeyPatch, opens: Opens
) -> None:
    """A child that does not even take an interrupt is ended with the turn."""
    monkeypatch.setattr(conversation_module, "_SILENCE_S", 0.2)
    async with opens() as conversation:
        os.kill(processes.pid_of(conversation), signal.SIGSTOP)
        with pytest.raises(TurnTimedOut):
            await ask(conversation, "hello" * 100_000, timeout_s=0.2)
        assert not conversation.usable
        async with asyncio.timeout(SOON_S):
            await conversation.ended.wait()
        assert conversation.died


async def test_killed_idle_child_is_noticed(opens: Opens) -> None:
    """An end on its own shows at once, and the next prompt says so."""
    async with opens() as conversation:
        os.kill(processes.pid_of(conversation), signal.SIGKILL)
        async with asyncio.timeout(SOON_S):
            await conversation.ended.wait()
        assert conversation.died
        with pytest.raises(ConversationDied):
            await ask(conversation, "hello")


async def test_killed_turn_is_dropped_on_resume(
    opens: Opens, model: Model, agent: Agent, folders: AgentFolders, costs: list[float]
) -> None:
    """A prompt that died with its child is told, found as an orphan, and never seen again."""
    model.script("doomed", stall())
    start, doomed = fresh(), str(uuid4())
    async with opens(start) as conversation:
        await ask(conversation, "echo: first")
        asking = await ask_until_asked(conversation, model, "doomed", prompt_uuid=doomed)
        await written(folders, start, doomed)
        os.kill(processes.pid_of(conversation), signal.SIGKILL)
        with pytest.raises(ConversationDied):
            await asking
    transcript = await agent.transcript("ada", start.session_id)
    assert transcript is not None
    orphan = transcript.orphan()
    assert orphan is not None
    assert orphan.prompt_uuid == doomed
    assert transcript.answer_to(doomed) is None
    # The child counts anew from what it last wrote down, which a kill left at nothing.
    assert transcript.cost_usd == 0.0
    async with opens(Resume(session_id=start.session_id, orphan=orphan)) as conversation:
        again = await ask(conversation, "echo: again")
    assert model.requests[-1].turns == ("echo: first", "echo: again")
    assert again.text == "again"
    assert 0 < costs[1] < 2 * costs[0]


async def test_no_more_is_dropped_on_resume_than_the_prompt(
    opens: Opens, folders: AgentFolders
) -> None:
    """Should more than its turn be cut off, the child refuses: a recap, not a silent gap."""
    start, uuids = fresh(), [str(uuid4()) for _ in range(3)]
    async with opens(start) as conversation:
        for number, uuid in enumerate(uuids):
            await ask(conversation, f"echo: {number}", prompt_uuid=uuid)
    path = find_transcript(folders.config("ada"), start.session_id)
    assert path is not None
    entries = map(json.loads, path.read_text().splitlines())
    before = {entry["uuid"]: entry["parentUuid"] for entry in entries if "parentUuid" in entry}
    orphan = Orphan(prompt_uuid=uuids[2], after=before[uuids[1]])
    with pytest.raises(ExceptionGroup) as failed:
        async with opens(Resume(session_id=start.session_id, orphan=orphan)):
            pass
    assert failed.group_contains(SessionLost, match="drops-turn")


async def test_first_prompt_can_be_asked_again_under_its_session(
    opens: Opens, model: Model, agent: Agent, folders: AgentFolders
) -> None:
    """A session whose only prompt died is begun again under the same id."""
    model.script("doomed", stall(), times=1)
    start = fresh()
    async with opens(start) as conversation:
        asking = await ask_until_asked(conversation, model, "doomed")
        await written(folders, start, "doomed")
        os.kill(processes.pid_of(conversation), signal.SIGKILL)
        with pytest.raises(ConversationDied):
            await asking
    transcript = await agent.transcript("ada", start.session_id)
    assert transcript is not None
    orphan = transcript.orphan()
    assert isinstance(orphan, Orphan)
    assert orphan.after is None
    await agent.forget("ada", start.session_id)
    async with opens(start) as conversation:
        await ask(conversation, "doomed, again")
    assert model.requests[-1].turns == ("doomed, again",)


async def test_cancelled_asker_leaves_a_child_that_ends_at_once(opens: Opens, model: Model) -> None:
    """The turn is interrupted before the child is let go: else it would take its grace of 2 s."""
    model.script("slow", stall())
    async with opens() as conversation:
        asking = await ask_until_asked(conversation, model, "slow")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert not conversation.usable
        async with asyncio.timeout(1.5):
            await conversation.close()
        assert not conversation.died


async def test_booting_child_can_be_closed(agent: Agent) -> None:
    """A conversation that is closed while it boots leaves no child behind."""
    conversation = agent.conversation(ada(), fresh(), Ticket(Urgency.TURN))
    async with asyncio.TaskGroup() as group:
        group.create_task(conversation.run())
        await processes.eventually(lambda: bool(children()))
        async with asyncio.timeout(SOON_S):
            await conversation.close()
    assert conversation.ended.is_set()


async def test_answer_may_be_longer_than_the_sdks_line(opens: Opens, model: Model) -> None:
    """An answer of more than 1 MiB in one line arrives, and so does what comes after it."""
    model.script("long", say("\x01" * 200_000))  # six bytes each, as JSON
    model.script("torn", drop(3), times=1)
    async with opens(bot=ada(max_output_tokens=60_000)) as conversation:
        assert len((await ask(conversation, "long")).text) == 200_000
        # A torn stream is asked for again by the child: nothing of the first try remains.
        assert (await ask(conversation, "echo: torn in two halves")).text == "torn in two halves"


async def test_failures_of_the_model_have_a_reason(
    monkeypatch: pytest.MonkeyPatch, opens: Opens, model: Model, agent: Agent
) -> None:
    """Each refusal of the API says whose fault it is, and the conversation survives it."""
    monkeypatch.setattr(launch, "_MODEL_RETRIES", 0)
    reasons = {401: "key", 429: "rate_limit", 529: "overloaded", 400: "billing", 500: "unavailable"}
    found, start, uuids = {}, fresh(), {status: str(uuid4()) for status in reasons}
    async with opens(start) as conversation:
        for status in reasons:
            model.script(f"status {status}", fail(status))
            with pytest.raises(ModelFailed) as failed:
                await ask(conversation, f"status {status}", prompt_uuid=uuids[status])
            found[status] = failed.value.reason
            assert failed.value.status == status
        assert (await ask(conversation, "echo: well again")).text == "well again"
    assert found == reasons
    transcript = await agent.transcript("ada", start.session_id)
    assert transcript is not None
    assert [transcript.answer_to(uuid) for uuid in uuids.values()] == [None] * len(uuids)


async def test_too_many_calls_in_a_turn_are_told(opens: Opens, model: Model) -> None:
    """A turn that reaches max_turns fails as such; the next one is answered."""
    model.script("look", call_tool("mcp__hearth__look", what="on"))
    bot = ada(max_turns=1, tools_from=("tests.agent.tools_of_ada:look",))
    async with opens(bot=bot) as conversation:
        with pytest.raises(ModelFailed) as failed:
            await ask(conversation, "look")
        assert failed.value.reason == "max_turns"
        model.script("next", say("well again"))
        assert (await ask(conversation, "next")).text == "well again"


async def test_damaged_settings_of_the_child_heal(opens: Opens, folders: AgentFolders) -> None:
    """Garbage in the child's own settings file would fail every start of the bot."""
    settings = folders.config("ada") / ".claude.json"
    settings.parent.mkdir(parents=True)
    settings.write_bytes(b"{ \0 garbage")
    async with opens() as conversation:
        assert (await ask(conversation, "echo: here")).text == "here"


@pytest.mark.parametrize("content", [None, b"", b"\x00\xff garbage\n"])
async def test_session_without_a_transcript_is_lost(
    opens: Opens, folders: AgentFolders, content: bytes | None
) -> None:
    """What the child cannot resume is lost, and says so before anything is asked."""
    start = Resume(session_id=str(uuid4()))
    if content is not None:
        place = folders.config("ada") / "projects" / "somewhere" / f"{start.session_id}.jsonl"
        place.parent.mkdir(parents=True)
        place.write_bytes(content)
    with pytest.raises(ExceptionGroup) as failed:
        async with opens(start):
            pass
    assert failed.group_contains(SessionLost, match="No conversation found")


async def test_agent_checks_its_child(agent: Agent) -> None:
    """The bundled child runs here, has the pinned version and knows the flags we use."""
    version = await agent.prepare()
    assert version.child.startswith("2.")
    assert version.sdk == "0.2.186"


#: What the child takes and does not mention in its help.
UNMENTIONED = {"--thinking", "--max-turns"}


async def test_every_flag_is_checked(opens: Opens) -> None:
    """What a child of a bot with every option is started with is what the check asks for."""
    bot = ada(
        fallback_model="claude-haiku-4-5",
        max_budget_usd=1.0,
        thinking="low",
        tools=("WebSearch",),
        mcp_servers=(McpServer(name="notes", transport="stdio", command="notes-mcp"),),
    )
    used = set[str]()
    for one in (bot, ADA):
        async with opens(bot=one) as conversation:
            used |= {
                argument.partition("=")[0]
                for argument in processes.arguments(processes.pid_of(conversation))
                if argument.startswith("--")
            }
    assert {"--fallback-model", "--effort", "--mcp-config", "--bare"} <= used
    assert used - UNMENTIONED <= set(selfcheck._FLAGS)


async def held(agent: Agent, conversation: Conversation) -> int:
    """Have a child begin to boot, and held; return its process."""
    agent._boots._limit, agent._boots._moment_s = 2, 3600.0
    await processes.eventually(lambda: bool(children()))
    (pid,) = children()
    agent.stir()
    assert conversation.pid is None
    await processes.eventually(lambda: processes.state(pid) == "T")
    return pid


async def test_a_child_that_boots_for_nobody_stands_still_until_it_is_wanted(agent: Agent) -> None:
    """A turn that begins stops it; one that comes to need it lets it go on."""
    conversation = agent.conversation(ADA, fresh(), Ticket(Urgency.SPARE))
    async with asyncio.TaskGroup() as group:
        group.create_task(conversation.run())
        pid = await held(agent, conversation)
        conversation.ticket.hurry()
        await conversation.opened()
        assert conversation.pid == pid
        assert (await ask(conversation, "echo: hello")).text == "hello"
        await conversation.close()


@pytest.mark.parametrize("how", ["closed", "aborted"])
async def test_a_child_that_stands_still_can_be_ended(agent: Agent, how: str) -> None:
    """It is gone at once, as any other."""
    conversation = agent.conversation(ADA, fresh(), Ticket(Urgency.SPARE))
    async with asyncio.TaskGroup() as group:
        owner = group.create_task(conversation.run())
        pid = await held(agent, conversation)
        async with asyncio.timeout(SOON_S):
            if how == "closed":
                await conversation.close()
            else:
                conversation.abort()
            await asyncio.wait([owner])
        assert await processes.gone(pid)
