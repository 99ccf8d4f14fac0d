"""Which conversation serves a room, over an agent without children."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from random import Random

import anyio
import pytest

from bot.agent.start import Fresh, Orphan, Resume
from bot.config.bot import Bot
from bot.errors import (
    AgentError,
    AgentStartFailed,
    ConversationDied,
    ModelFailed,
    SessionLost,
    TurnTimedOut,
)
from bot.records import SessionKey
from bot.sessions import sessions as sessions_module
from bot.sessions.saving import Saving
from bot.sessions.statistics import Warmth
from tests.agent.bots import ADA, ada
from tests.sessions.fakes import file_of, turn
from tests.sessions.world import WATERCOOLER, World, ask, room

DAY_S = 86400.0


def a_day(_bot: str) -> float:
    """Return every bot's TTL."""
    return DAY_S


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Open sessions with four places."""
    async with World().open() as world:
        yield world
    assert world.agent.open == set()


async def test_first_turn_is_cold_the_next_is_hot(world: World) -> None:
    """A room keeps its conversation, and the operator sees which way each turn took."""
    assert [await world.turn() for _ in range(3)] == [Warmth.COLD, Warmth.HOT, Warmth.HOT]
    seen = world.session()
    assert (seen.state, seen.last_path, seen.turns) == (Warmth.HOT, Warmth.HOT, 3)
    assert (seen.cost_usd, seen.memory_bytes, seen.busy) == (0.75, 100, False)
    statistics = world.sessions.statistics()
    assert statistics.hits == {Warmth.COLD: 1, Warmth.HOT: 2}
    assert (statistics.hot, statistics.hot_limit, statistics.boots) == (1, 4, 1)


async def test_new_session_is_on_disk_before_its_prompt(world: World) -> None:
    """After a crash in the first turn its transcript is found by the file."""
    world.agent.thinks.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(world.turn())
        await anyio.wait_all_tasks_blocked()
        ((session_id, _),) = world.agent.prompts
        assert world.files.kept[WATERCOOLER].session_id == session_id
        assert world.files.kept[WATERCOOLER].turns == 0
        world.agent.thinks.set()


async def test_sessions_survive_a_restart() -> None:
    """A new process resumes what the files say, and counts turns and cost on."""
    world = World()
    async with world.open():
        await world.turn()
        await world.turn()
    async with world.open():
        assert world.session().state is Warmth.WARM
        assert await world.turn() is Warmth.WARM
        assert (world.session().turns, world.session().cost_usd) == (3, 0.75)
    first, second = world.agent.starts
    assert second == Resume(session_id=first.session_id)
    assert world.files.kept[WATERCOOLER].turns == 3


async def test_cost_counts_on_after_a_crash() -> None:
    """A resumed child begins with what its transcript last says, whatever we counted before."""
    world = World()
    async with world.open():
        await world.turn()
        conversation = world.agent.conversations[-1]
        await world.turn()
        conversation.die()
        await conversation.ended.wait()
        session_id = conversation.session_id
        # Killed: it wrote down nothing of its second turn's cost.
        world.agent.counted[session_id] = 0.25
        lines = world.agent.transcripts[session_id]
        world.agent.transcripts[session_id] = [line for line in lines if "0.5" not in line]
        assert await world.turn() is Warmth.WARM
        assert world.session().cost_usd == pytest.approx(0.75)


async def test_persons_have_sessions_of_their_own(world: World) -> None:
    """With ``scope = "user"`` Kim's turn is not Lee's."""
    kim, lee = (SessionKey(room="1", bot="ada", user=name) for name in ("kim", "lee"))
    assert [await world.turn(key) for key in (kim, lee, kim)] == [
        Warmth.COLD,
        Warmth.COLD,
        Warmth.HOT,
    ]


async def test_changed_bot_is_resumed_with_its_new_options(world: World) -> None:
    """A turn never runs on a conversation that was opened for another version of the bot."""
    await world.turn()
    changed = ada(system_prompt="You are Ada, a pirate.")
    assert await world.turn(bot=changed) is Warmth.WARM
    assert world.agent.conversations[-1].bot is changed
    assert await world.turn(bot=replace(changed)) is Warmth.HOT


async def test_bot_that_was_read_again_is_compared_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That takes longer than all the rest of finding a hot session."""
    compared: list[Bot] = []

    def digest(bot: Bot) -> str:
        compared.append(bot)
        return "the same"

    monkeypatch.setattr(Bot, "digest", property(digest))
    await world.turn()
    again = replace(ADA)
    for _ in range(3):
        assert await world.turn(bot=again) is Warmth.HOT
    assert [bot is again for bot in compared] == [False, True]


async def test_dead_child_is_resumed_by_the_next_turn(world: World) -> None:
    """A child that ends while nobody asks costs a resume, and is counted."""
    await world.turn()
    world.agent.conversations[-1].die()
    await anyio.wait_all_tasks_blocked()
    assert world.session().state is Warmth.WARM
    assert await world.turn() is Warmth.WARM
    assert world.sessions.statistics().died == 1


@pytest.mark.parametrize(
    ("failure", "path"),
    [
        (ModelFailed("overloaded", reason="overloaded"), Warmth.HOT),
        (TurnTimedOut("no answer"), Warmth.HOT),
        (ConversationDied("killed"), Warmth.WARM),
    ],
)
async def test_failed_turn_leaves_the_session_usable(
    world: World, failure: AgentError, path: Warmth
) -> None:
    """Only a dead child has to be started again; a failed turn counts for nothing."""
    await world.turn()
    world.agent.failures = [failure]
    with pytest.raises(type(failure)):
        await world.turn()
    assert world.session().turns == 1
    assert await world.turn() is path


async def test_owed_orphan_is_dropped_on_resume(world: World) -> None:
    """A prompt that will be asked again must not be seen twice; one that was told stays."""
    await world.turn()
    conversation = world.agent.conversations[-1]
    lost = [turn("lost")[0].replace("before", "the-last-answer")]
    world.agent.transcripts[conversation.session_id] += lost
    for owed, orphan in (
        (set(), None),
        ({"lost"}, Orphan(prompt_uuid="lost", after="the-last-answer")),
    ):
        world.prompts.owed = owed
        conversation.die()
        await anyio.wait_all_tasks_blocked()
        async with world.seat():
            conversation = world.agent.conversations[-1]
            assert conversation.start == Resume(session_id=conversation.session_id, orphan=orphan)


async def test_answer_that_the_agent_does_not_know(world: World) -> None:
    """What was answered and never written down is counted, back to what the transcript has."""
    await world.turn()
    conversation = world.agent.conversations[-1]
    world.agent.transcripts[conversation.session_id] += turn("known")
    world.prompts.answered = ["third", "second", "known", "long ago"]
    conversation.die()
    await anyio.wait_all_tasks_blocked()
    async with world.seat() as seat:
        assert (seat.path, seat.unheard) == (Warmth.WARM, 2)
    async with world.seat() as seat:  # no prompt was sent: the agent has not been told yet
        assert (seat.path, seat.unheard) == (Warmth.WARM, 2)
        await ask(seat)
    async with world.seat() as seat:
        assert (seat.path, seat.unheard) == (Warmth.HOT, 0)


@pytest.mark.parametrize("in_vain", [set(), {"halfway"}])
async def test_orphan_that_was_answered_is_dropped_on_resume(
    world: World, in_vain: set[str]
) -> None:
    """The agent is told of it anew, with the answer that it lacks."""
    await world.turn()
    conversation = world.agent.conversations[-1]
    world.agent.transcripts[conversation.session_id] += turn("halfway")[:1]
    # It may be an earlier try of what was answered then.
    world.prompts.answered = ["in the end"] if in_vain else ["halfway"]
    world.prompts.in_vain = in_vain
    conversation.die()
    await anyio.wait_all_tasks_blocked()
    async with world.seat() as seat:
        assert seat.unheard == 1
    start = world.agent.conversations[-1].start
    orphan = Orphan(prompt_uuid="halfway", after="before")
    assert start == Resume(session_id=conversation.session_id, orphan=orphan)


async def test_orphan_that_is_all_there_is_begins_the_session_anew() -> None:
    """Its transcript goes, its id stays: nothing was lost."""
    world = World()
    file = file_of(WATERCOOLER, world.clock(), turns=0)
    world.files.kept[WATERCOOLER] = file
    world.agent.transcripts[file.session_id] = [
        turn("lost")[0].replace('"before"', "null"),
    ]
    world.prompts.owed = {"lost"}
    async with world.open():
        assert await world.turn() is Warmth.COLD
        assert world.agent.starts == [Fresh(session_id=file.session_id)]
        assert world.agent.forgotten == [file.session_id]
        assert world.sessions.statistics().lost == 0


@pytest.mark.parametrize("turns", [0, 1, None])
async def test_session_without_its_transcript(turns: int | None) -> None:
    """Without a turn nothing is lost and the id is kept; with one the loss is counted."""
    world = World()
    file = file_of(WATERCOOLER, world.clock(), turns=turns)
    world.files.kept[WATERCOOLER] = file
    async with world.open():
        assert await world.turn() is Warmth.COLD
        (start,) = world.agent.starts
        assert isinstance(start, Fresh)
        assert (start.session_id == file.session_id) is (turns == 0)
        assert world.sessions.statistics().lost == (0 if turns == 0 else 1)
        assert world.files.kept[WATERCOOLER].session_id == start.session_id


@pytest.mark.parametrize("name", ["a title", "..", "5C6AD9C2"])
async def test_id_that_is_no_uuid_is_never_resumed(name: str) -> None:
    """The child would take it for a title, and go on with another room's session."""
    world = World()
    world.files.kept[WATERCOOLER] = file_of(WATERCOOLER, world.clock(), session_id=name)
    world.agent.transcripts[name] = turn("x")
    async with world.open():
        assert await world.turn() is Warmth.COLD
        assert world.agent.starts[0].session_id != name


async def test_refused_resume_starts_over(world: World) -> None:
    """A session that the child refuses is counted as lost, and its transcript goes."""
    await world.turn()
    old = world.agent.conversations[-1]
    old.die()
    await anyio.wait_all_tasks_blocked()
    world.agent.refusals = {old.session_id: SessionLost("No conversation found")}
    assert await world.turn() is Warmth.COLD
    assert world.sessions.statistics().lost == 1
    assert world.agent.forgotten == [old.session_id]
    new = world.agent.conversations[-1]
    assert new.session_id != old.session_id
    assert world.files.kept[WATERCOOLER].session_id == new.session_id
    assert world.sessions.statistics().died == 1


async def test_child_that_does_not_start_gives_its_place_back(world: World) -> None:
    """A failed start is the turn's, frees its place, and is no death."""
    world.agent.refuse_all = AgentStartFailed("no memory")
    for _ in range(6):
        with pytest.raises(AgentStartFailed):
            await world.turn()
    world.agent.refuse_all = None
    assert await world.turn() in {Warmth.COLD, Warmth.WARM}
    assert world.sessions.statistics().died == 0
    assert len(world.agent.open) == 1


async def test_disk_that_cannot_be_written_fails_the_turn(world: World) -> None:
    """A session that would not be found after a crash is not begun."""
    world.files.error = OSError(28, "No space left on device")
    with pytest.raises(AgentStartFailed, match="No space left"):
        await world.turn()
    world.files.error = None
    assert await world.turn() is Warmth.COLD


async def test_full_disk_costs_no_hot_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written is written later; rooms that are hot go on meanwhile."""
    monkeypatch.setattr(sessions_module, "Saving", partial(Saving, rest_s=0))
    async with World().open() as world:
        await world.turn()
        await anyio.wait_all_tasks_blocked()
        world.files.error = OSError(28, "No space left on device")
        assert await world.turn() is Warmth.HOT
        await anyio.wait_all_tasks_blocked()
        assert world.files.kept[WATERCOOLER].turns == 1
        world.files.error = None
        await world.turn(room(2))
        await anyio.wait_all_tasks_blocked()
        assert world.files.kept[WATERCOOLER].turns == 2


async def test_least_recently_used_makes_room(world: World) -> None:
    """At the limit the idle conversation that was used longest ago is closed."""
    for number in (1, 2, 3, 4, 1, 3):
        world.clock.forward(seconds=1)
        await world.turn(room(number))
    await world.turn(room(5))
    hot = {s.room for s in world.sessions.statistics().sessions if s.state is Warmth.HOT}
    assert hot == {"1", "3", "4", "5"}
    assert world.sessions.statistics().evicted == 1
    assert await world.turn(room(2)) is Warmth.WARM
    assert world.agent.most_open == 4


@pytest.mark.parametrize("end", ["answered", "failed", "cancelled"])
async def test_running_turn_is_not_evicted(end: str) -> None:
    """Who waits for a place gets it when a turn ends, however that happens."""
    async with World().open(hot_limit=1) as world:
        world.agent.thinks.clear()
        running = asyncio.create_task(world.turn(room(1)))
        await anyio.wait_all_tasks_blocked()
        waiting = asyncio.create_task(world.turn(room(2)))
        await anyio.wait_all_tasks_blocked()
        assert [c.session_id for c in world.agent.open] == [world.session(room(1)).session_id]
        if end == "failed":
            world.agent.failures = [TurnTimedOut("no answer")]
        if end == "cancelled":
            running.cancel()
        world.agent.thinks.set()
        assert await waiting is Warmth.COLD
        with suppress(TurnTimedOut, asyncio.CancelledError):
            await running
        assert world.agent.most_open == 1


async def test_place_goes_to_who_waits_longest() -> None:
    """With one place, rooms are served in the order in which they came."""
    async with World().open(hot_limit=1) as world:
        served: list[str] = []

        async def serve(number: int) -> None:
            async with world.seat(room(number)) as seat:
                await seat.ask("hello", prompt_uuid=f"{number}", timeout_s=1, silence_s=1)
                served.append(f"{number}")

        async with asyncio.TaskGroup() as group:
            for number in range(6):
                group.create_task(serve(number))
                await asyncio.sleep(0)
        assert served == [str(number) for number in range(6)]


async def test_waiting_room_takes_what_becomes_idle_meanwhile() -> None:
    """A place that a newcomer snatches does not leave the first in line without one."""
    async with World().open(hot_limit=2) as world:
        await world.turn(room(1))
        world.agent.leaves.clear()
        async with world.seat(room(2)):  # in use throughout
            waiting = asyncio.create_task(world.turn(room(3)))
            await anyio.wait_all_tasks_blocked()
            newcomer = asyncio.create_task(world.turn(room(4)))
            await anyio.wait_all_tasks_blocked()
            world.agent.leaves.set()
            assert await waiting is Warmth.COLD
            assert await newcomer is Warmth.COLD


async def test_cancelled_waiter_leaves_the_line() -> None:
    """Who gave up gets no place, and does not hold up the next."""
    async with World().open(hot_limit=1) as world:
        async with world.seat(room(1)):
            gone = asyncio.create_task(world.turn(room(2)))
            next_one = asyncio.create_task(world.turn(room(3)))
            await anyio.wait_all_tasks_blocked()
            gone.cancel()
            await anyio.wait_all_tasks_blocked()
        assert await next_one is Warmth.COLD
        assert gone.cancelled()
        assert len(world.agent.open) == 1


async def test_cancelled_asker_leaves_no_child_in_a_turn(world: World) -> None:
    """A child that answers nobody is closed with the turn, not with the next message."""
    world.agent.thinks.clear()
    running = asyncio.create_task(world.turn())
    await anyio.wait_all_tasks_blocked()
    running.cancel()
    await asyncio.wait([running])
    assert world.agent.open == set()
    assert world.agent.open == set()


async def test_cancelled_asker_leaves_a_child_that_goes_on(world: World) -> None:
    """One that drops the prompt serves the next turn."""
    world.agent.hushes = True
    world.agent.thinks.clear()
    running = asyncio.create_task(world.turn())
    await anyio.wait_all_tasks_blocked()
    running.cancel()
    await anyio.wait_all_tasks_blocked()
    world.agent.thinks.set()
    assert await world.turn() is Warmth.HOT
    assert len(world.agent.conversations) == 1


async def test_session_is_forgotten_by_whoever_has_it(world: World) -> None:
    """Conversation, file and transcript go, and the next turn is cold."""
    await world.turn()
    assert world.sessions.session(ADA, WATERCOOLER) is not None
    assert world.sessions.spent("ada").turns == 1
    async with world.sessions.ending(WATERCOOLER) as forget:
        await forget()
    assert (world.sessions.session(ADA, WATERCOOLER), world.files.kept) == (None, {})
    assert await world.turn() is Warmth.COLD


async def test_cancelled_boot_leaves_no_child(world: World) -> None:
    """A child that boots for nobody is closed; the next turn starts its own."""
    world.agent.boots.clear()
    running = asyncio.create_task(world.turn())
    await anyio.wait_all_tasks_blocked()
    running.cancel()
    await asyncio.wait([running])
    assert world.agent.open == set()
    world.agent.boots.set()
    assert await world.turn() is Warmth.COLD


async def test_unused_session_expires(world: World) -> None:
    """Conversation, file and transcript go together."""
    await world.turn()
    session_id = world.session().session_id
    world.clock.forward(seconds=DAY_S)
    assert await world.sessions.expire(a_day, frozenset()) == 0
    world.clock.forward(seconds=1)
    assert await world.sessions.expire(a_day, frozenset()) == 1
    assert world.agent.open == set()
    assert world.files.kept == {}
    assert world.agent.forgotten == [session_id]
    assert world.sessions.statistics().sessions == ()
    assert await world.turn() is Warmth.COLD
    assert world.agent.starts[-1].session_id != session_id


async def test_room_with_open_messages_does_not_expire(world: World) -> None:
    """What is owed in a room is answered with the memory it had when it was asked."""
    await world.turn()
    asked_at = world.clock()
    world.clock.forward(days=3)
    in_use = frozenset({("1", "ada")})
    assert await world.sessions.expire(a_day, in_use) == 0
    async with world.sessions.seat(ADA, WATERCOOLER, asked_at=asked_at, lane="x") as seat:
        assert seat.path is Warmth.HOT


async def test_running_turn_does_not_expire(world: World) -> None:
    """A turn that outlasts the TTL keeps its session."""
    world.agent.thinks.clear()
    running = asyncio.create_task(world.turn())
    await anyio.wait_all_tasks_blocked()
    world.clock.forward(days=3)
    assert await world.sessions.expire(a_day, frozenset()) == 0
    world.agent.thinks.set()
    await running


@pytest.mark.parametrize("hot", [True, False])
async def test_ttl_ends_without_a_sweep(world: World, *, hot: bool) -> None:
    """A message that comes after the TTL finds a new session, whether the old one was swept."""
    await world.turn()
    old = world.agent.conversations[-1]
    if not hot:
        old.die()
        await anyio.wait_all_tasks_blocked()
    world.clock.forward(seconds=DAY_S + 1)
    assert await world.turn() is Warmth.COLD
    assert world.agent.forgotten == [old.session_id]
    assert world.session().turns == 1


@pytest.mark.parametrize("late_s", [0, 1])
async def test_message_that_arrives_during_the_close(world: World, late_s: float) -> None:
    """It waits for the end of the old session and begins a new one; nothing hangs."""
    await world.turn()
    world.clock.forward(seconds=DAY_S + late_s)
    world.agent.leaves.clear()
    sweep = asyncio.create_task(world.sessions.expire(a_day, frozenset()))
    await anyio.wait_all_tasks_blocked()
    message = asyncio.create_task(world.turn())
    await anyio.wait_all_tasks_blocked()
    world.agent.leaves.set()
    assert await sweep == late_s
    assert await message is (Warmth.COLD if late_s else Warmth.HOT)
    assert len(world.sessions.statistics().sessions) == 1
    assert WATERCOOLER in world.files.kept


async def test_sweep_does_not_take_what_is_passed_on(world: World) -> None:
    """A session that goes from one holder straight to the next is not idle in between."""
    await world.turn()
    session = world.known()
    async with world.seat():
        message = asyncio.create_task(world.turn())
        await anyio.wait_all_tasks_blocked()
        world.clock.forward(seconds=DAY_S + 1)
        asked = world.sessions.expire(a_day, frozenset())
    assert not session.idle
    assert await asked == 0
    assert await message is Warmth.HOT


async def test_session_that_resists_does_not_stop_the_sweep(world: World) -> None:
    """What cannot be deleted today is tried again at the next sweep."""
    for number in (1, 2):
        await world.turn(room(number))
    await anyio.wait_all_tasks_blocked()
    world.clock.forward(days=3)
    world.files.error = OSError(30, "Read-only file system")
    assert await world.sessions.expire(a_day, frozenset()) == 0
    world.files.error = None
    assert await world.sessions.expire(a_day, frozenset()) == 2


async def test_conversations_close_together(world: World) -> None:
    """A stop takes as long as one close, not as many."""
    for number in range(4):
        await world.turn(room(number))
    world.agent.leaves.clear()
    closing = asyncio.create_task(world.sessions.close())
    await anyio.wait_all_tasks_blocked()
    assert all(conversation.closing for conversation in world.agent.open)
    world.agent.leaves.set()
    await closing
    assert world.agent.open == set()


async def test_everything_is_written_at_the_end() -> None:
    """The last turn of every room is on disk when the sessions are closed."""
    world = World()
    async with world.open():
        for number in range(3):
            await world.turn(room(number))
        world.files.disk.clear()
        for number in range(3):
            await world.turn(room(number))
        world.files.disk.set()
    assert [file.turns for file in world.files.kept.values()] == [2, 2, 2]


@pytest.mark.parametrize("seed", range(12))
async def test_no_schedule_loses_a_place(seed: int) -> None:
    """Turns, failures, deaths, cancels and sweeps at random: all places come back, none doubled."""
    random, world = Random(seed), World()  # noqa: S311 - a schedule, not a secret
    async with world.open(hot_limit=3) as world:

        async def live() -> None:
            for _ in range(30):
                for _ in range(random.randrange(3)):
                    await asyncio.sleep(0)
                with suppress(AgentError):
                    await world.turn(room(random.randrange(8)))

        async def disturb() -> None:
            for _ in range(150):
                await asyncio.sleep(0)
                upset(random, world)
                if random.random() < 0.05:
                    world.clock.forward(days=2)
                    await world.sessions.expire(a_day, frozenset())

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(live()) for _ in range(10)]
            group.create_task(disturb())
            for task in tasks[::3]:
                for _ in range(random.randrange(60)):
                    await asyncio.sleep(0)
                task.cancel()
        world.agent.failures, world.agent.refuse_all = [], None
        await anyio.wait_all_tasks_blocked()
        assert len(world.sessions._conversations.pids) == len(world.agent.open)
        for number in range(8):
            await world.turn(room(number))
        assert world.agent.most_open <= 3
    assert world.agent.open == set()
    gc.collect()


def upset(random: Random, world: World) -> None:
    """Let something go wrong."""
    match random.randrange(4):
        case 0 if world.agent.open:
            random.choice(sorted(world.agent.open, key=lambda c: c.session_id)).die()
        case 1:
            world.agent.failures.append(random.choice([TurnTimedOut("x"), ConversationDied("x")]))
        case 2:
            world.agent.refuse_all = random.choice([None, None, AgentStartFailed("x")])
        case 3 if world.agent.transcripts:
            lost = random.choice(sorted(world.agent.transcripts))
            world.agent.refusals[lost] = SessionLost("x")


async def test_a_session_at_rest_could_be_asked_at_once(world: World) -> None:
    """Not one that is asked already, nor one that is not open, nor one whose first turn decides."""
    assert world.sessions.at_rest(WATERCOOLER) is None
    async with world.seat() as seat:
        assert world.sessions.at_rest(WATERCOOLER) is None
        await ask(seat)
    assert world.sessions.at_rest(WATERCOOLER) == seat.session_id
    async with world.seat():
        assert world.sessions.at_rest(WATERCOOLER) is None, "somebody is at it"
    await world.known().close()
    assert world.sessions.at_rest(WATERCOOLER) is None
    world.early()
    await anyio.wait_all_tasks_blocked()
    assert world.known().hot
    assert world.sessions.at_rest(WATERCOOLER) is None, "what it was opened upon may change"
    await world.turn()
    assert world.sessions.at_rest(WATERCOOLER) == seat.session_id
