"""Words to a bot that it obeys by itself: which, whose, and what they tell."""

import asyncio
from pathlib import Path

import pytest

from bot.language.english import ENGLISH
from bot.testing.model import Gate, hold
from tests.e2e.watching import Log, scrape
from tests.e2e.world import World, open_world


async def test_they_need_no_model_and_no_child(tmp_path: Path, log: Log) -> None:
    """Each is answered at once, with its line in the log, and nothing else begins."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", f'operators = ["{world.kim.id}"]\n')
        async with world.serving() as server:
            for word in ("stop", "/new", "Status", "help.", "/usage"):
                assert await world.ask(f"@Ada {word}")
            assert await server.settled() == {"accepted": 5, "answered": 5}
            assert [line["outcome"] for line in log.find("turn")] == ["answered"] * 5
            assert (await server.get("/session/stats"))["boots"] == 0
            assert (await scrape(server))["hearth_messages_open"] == 0
        assert world.model.requests == ()
        assert world.campfire.violations == ()


@pytest.mark.parametrize(
    "text",
    ["stop it", "please stop", "/clear", "/compact", "//stop", "stop?", "/stop now", "what's new"],
)
async def test_other_words_are_for_the_agent(tmp_path: Path, text: str) -> None:
    """It reads them as they were typed, and nothing happens to the session."""
    async with open_world(tmp_path) as world, world.serving():
        await world.ask("@Ada my name is Kim")
        await world.ask(f"@Ada {text}")
        assert world.model.requests[-1].question.text == text
        assert "Kim" in await world.ask("@Ada what is my name?")
        assert len(world.model.requests) == 3


async def test_a_repeated_command_has_one_effect(tmp_path: Path) -> None:
    """However often a stop is delivered, it stops only what was said before it."""
    async with open_world(tmp_path, workers=2) as world, world.serving() as server:
        gate = Gate()
        world.model.script("the tea", hold(gate), times=1)
        await world.say("@Ada echo: the tea is cold")
        await gate.reached()
        stop = await world.say("@Ada stop")
        assert await world.answer(stop) == ENGLISH.stopped_one
        milk = Gate()
        world.model.script("milk", hold(milk), times=1)
        said = await world.say("@Ada echo: and milk")
        await milk.reached()
        await asyncio.gather(*(world.campfire.redeliver(stop, world.ada) for _ in range(3)))
        milk.release()
        assert await world.answer(said) == "and milk"
        assert await server.settled() == {"accepted": 3, "answered": 2, "stopped": 1}
        assert world.said_by(world.ada) == [ENGLISH.stopped_one, "and milk"]


async def hold_both(world: World) -> Gate:
    """Let Kim's question be asked, and Lee's wait behind it."""
    gate = Gate()
    world.model.script(lambda request: "echo" in request.last_text, hold(gate), times=2)
    await world.say("@Ada echo: the tea is cold")
    await gate.reached()
    await world.say("@Ada echo: the milk is sour", person=world.lee)
    await world.campfire.delivered()
    return gate


async def test_a_stop_is_for_ones_own(tmp_path: Path) -> None:
    """As a rule Lee stops what he asked; Kim's turn goes on."""
    async with open_world(tmp_path, workers=2) as world, world.serving() as server:
        gate = await hold_both(world)
        assert await world.ask("@Ada stop", person=world.lee) == ENGLISH.stopped_one
        assert await world.ask("@Ada stop", person=world.lee) == ENGLISH.nothing_to_stop
        gate.release()
        assert await server.settled() == {"accepted": 4, "answered": 3, "stopped": 1}
        assert world.said_by(world.ada)[2:] == ["@Kim the tea is cold"]


@pytest.mark.parametrize("rule", ["anyone", "operators"])
async def test_a_stop_for_all(tmp_path: Path, rule: str) -> None:
    """A bot's file says who may stop everything that it was asked in the room."""
    async with open_world(tmp_path, workers=2) as world:
        operators = f'operators = ["{world.lee.id}"]\n'
        more = f'[commands]\nstop = "{rule}"\n'
        world.write_bot("ada", more if rule == "anyone" else operators + more)
        async with world.serving() as server:
            gate = await hold_both(world)
            assert "2 messages" in await world.ask("@Ada stop", person=world.lee)
            gate.release()
            assert await server.settled() == {"accepted": 3, "answered": 1, "stopped": 2}
            assert len(world.said_by(world.ada)) == 1


async def test_who_may_not_is_told_so(tmp_path: Path) -> None:
    """The refusal has no effect on anything, and the help does not offer it."""
    async with open_world(tmp_path, workers=2) as world:
        world.write_bot("ada", '[commands]\nstop = "operators"\nnew = "operators"\n')
        async with world.serving() as server:
            gate = await hold_both(world)
            for word in ("stop", "new", "usage"):
                assert f'may not use "{word}"' in await world.ask(f"@Ada {word}")
            told = await world.ask("@Ada help")
            assert ("status" in told, "new" in told, "usage" in told) == (True, False, False)
            gate.release()
            assert await server.settled() == {"accepted": 6, "answered": 3, "told": 3}
            assert len(world.transcripts()) == 1


async def test_each_reaches_only_their_own(tmp_path: Path) -> None:
    """With `scope = "user"`, operators included: nothing of Kim's is stopped, or told to Lee."""
    async with open_world(tmp_path, workers=2) as world:
        operators = f'operators = ["{world.lee.id}"]\n'
        world.write_bot(
            "ada", f'{operators}[session]\nscope = "user"\n[commands]\nstop = "anyone"\n'
        )
        async with world.serving() as server:
            gate = Gate()
            world.model.script("the tea", hold(gate), times=1)
            await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            assert await world.ask("@Ada stop", person=world.lee) == ENGLISH.nothing_to_stop
            assert await world.ask("@Ada new", person=world.lee) == ENGLISH.renewed
            assert "Kim" not in await world.ask("@Ada status", person=world.lee)
            assert "Kim" in await world.ask("@Ada status")
            gate.release()
            assert await server.settled() == {"accepted": 5, "answered": 5}
            assert "2 turns" in await world.ask("@Ada count the turns")


async def test_what_status_and_usage_tell(tmp_path: Path) -> None:
    """Who is being answered and how many wait; then what it has cost, as far as one may know."""
    async with open_world(tmp_path, workers=2) as world:
        world.write_bot("ada", f'operators = ["{world.lee.id}"]\n[commands]\nusage = "anyone"\n')
        async with world.serving() as server:
            assert "begins a new conversation" in await world.ask("@Ada status")
            gate = await hold_both(world)
            assert "answering Kim" in (told := await world.ask("@Ada status"))
            assert "One message waits" in told
            gate.release()
            await server.settled()
            assert "so far: 2" in await world.ask("@Ada status")
            assert "this conversation: 2, for 0.0" in (told := await world.ask("@Ada usage"))
            assert "in all" not in told
            assert "in all my conversations that are kept (1): 2" in await world.ask(
                "@Ada usage", person=world.lee
            )
        assert world.campfire.violations == ()


async def test_a_name_is_only_a_name(tmp_path: Path) -> None:
    """What somebody is called is shown as it is, whatever it would mean as Markdown or HTML."""
    name = "**Kim** <b>[x](http://y)`"
    async with open_world(tmp_path, workers=2) as world:
        kim = world.campfire.add_person(name)
        room = world.campfire.add_room("Kitchen", members=[kim, world.lee, world.ada])
        async with world.serving():
            gate = Gate()
            world.model.script("the tea", hold(gate), times=1)
            await world.say("@Ada echo: the tea", person=kim, room=room)
            await gate.reached()
            told = await world.ask("@Ada status", person=world.lee, room=room)
            assert f"I am answering {name}, for" in told
            gate.release()
