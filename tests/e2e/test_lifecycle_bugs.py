"""A bug in a turn costs that message; a bug anywhere else stops the process, loudly."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.platforms.campfire.markup import render_markdown
from tests.e2e.process import all_gone, serving_apart
from tests.e2e.world import World, open_world

_RENDER = "bot.platforms.campfire.campfire.render_markdown"
_BROKEN_JOB = """
from bot.operate.upkeep import Retirement
async def run(self): raise ZeroDivisionError("a bug in a job")
Retirement.run = run
"""
_BROKEN_WATCH = """
from bot.config.roster import Roster
apply = Roster.apply
def broken(self, reading):
    if "bo" in reading.bots: raise ZeroDivisionError("a bug in the watch")
    return apply(self, reading)
Roster.apply = broken
"""
_BROKEN_WRITER = """
from bot.journal.writer import Writer
sync = Writer._sync
def broken(self):
    sync(self)
    if self._db.execute("SELECT 1 FROM attempts").fetchone(): raise ZeroDivisionError("a bug there")
Writer._sync = broken
"""


def dead_letters(world: World) -> list[str]:
    """Return the reasons of the dead letters that a stopped server has left."""
    with sqlite3.connect(world.cache / "journal.db") as db:
        rows = db.execute("SELECT reason FROM inbox WHERE state = 'dead' ORDER BY seq").fetchall()
    db.close()
    return [reason for (reason,) in rows]


def breaking(render: Callable[..., tuple[str, ...]], word: str) -> Callable[[str], object]:
    """Return a renderer with a bug: it breaks at *word*."""

    def rendered(markdown: str) -> tuple[str, ...]:
        if word in markdown:
            raise ZeroDivisionError("a bug in the renderer")
        return render(markdown)

    return rendered


async def test_a_bug_in_a_turn_costs_that_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room is told, the operator finds the traceback, and everything goes on."""
    monkeypatch.setattr(_RENDER, breaking(render_markdown, "tea"))
    async with open_world(tmp_path) as world:
        async with world.serving() as server:
            assert "went wrong on my side" in await world.ask("@Ada echo: the tea is cold")
            assert await world.ask("@Ada echo: all is well") == "all is well"
            said = await world.say("echo: here too", room=world.direct, mention=())
            assert await world.answer(said) == "here too"
            assert await server.settled() == {"accepted": 3, "answered": 2, "dead": 1}
        (reason,) = dead_letters(world)
        assert reason.startswith("Traceback")
        assert "ZeroDivisionError: a bug in the renderer" in reason


async def test_a_bug_in_the_apology_costs_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the room cannot even be told, the message is a dead letter and the server goes on."""
    async with open_world(tmp_path) as world:
        async with world.serving() as server:
            with monkeypatch.context() as broken:
                broken.setattr(_RENDER, breaking(render_markdown, ""))
                await world.say("@Ada echo: the tea is cold")
                assert await server.settled() == {"accepted": 1, "dead": 1}
            assert await world.ask("@Ada echo: all is well") == "all is well"
        (reason,) = dead_letters(world)
        assert reason.count("ZeroDivisionError: a bug in the renderer") == 2


async def test_a_bug_in_a_job_stops_the_server(tmp_path: Path) -> None:
    """Better no server than one that does half its work: the supervisor starts it again."""
    async with open_world(tmp_path) as world, serving_apart(world, fault=_BROKEN_JOB) as server:
        assert await server.ended() != 0
        assert "ZeroDivisionError: a bug in a job" in "\n".join(server.lines)
        assert "Traceback" in "\n".join(server.lines)


async def test_a_bug_in_the_watch_stops_the_server(tmp_path: Path) -> None:
    """Also one that comes late: what its rooms have said waits for the next start."""
    async with open_world(tmp_path) as world:
        async with serving_apart(world, fault=_BROKEN_WATCH) as server:
            await world.ask("@Ada my name is Kim")
            children = server.children()
            world.write_bot("bo")
            assert await server.ended() != 0
            assert "ZeroDivisionError: a bug in the watch" in "\n".join(server.lines)
            assert all_gone(children)
        async with world.serving():
            assert "Kim" in await world.ask("@Ada what is my name?")


async def test_a_bug_in_the_journal_stops_the_server(tmp_path: Path) -> None:
    """A server that can record nothing would refuse deliveries for ever; the next one can."""
    async with open_world(tmp_path) as world:
        async with serving_apart(world, fault=_BROKEN_WRITER) as server:
            said = await world.say("@Ada echo: the tea is cold")
            children = server.children()
            assert await server.ended() != 0
            assert "ZeroDivisionError: a bug there" in "\n".join(server.lines)
            assert all_gone(children)
        async with world.serving() as again:
            assert "the tea is cold" in await world.answer(said)
            assert (await again.settled()) == {"accepted": 1, "answered": 1}
