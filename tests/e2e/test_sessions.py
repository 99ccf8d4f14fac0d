"""Which memory answers: the open conversation, one resumed from its file, or a new one."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from bot.testing.model import Behaviour
from tests import guards
from tests.e2e.world import Running, World, open_world

#: All that a session file of another writer holds.
SEED_FIELDS = ("session_id", "room_id", "bot_id", "last_used", "created_at")


async def the_session(server: Running) -> dict[str, Any]:
    """Return the one session there is."""
    (session,) = (await server.get("/session/stats"))["sessions"]
    return session


def rewrite(path: Path, **changes: object) -> None:
    """Change fields of a session file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


async def test_a_room_keeps_its_child(tmp_path: Path) -> None:
    """Turn after turn is answered by one child, in one session."""
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada my name is Kim")
        first, children = await the_session(server), guards.children()
        assert "3 turns" in [await world.ask("@Ada count the turns") for _ in range(2)][-1]
        last = await the_session(server)
        assert guards.children() == children
        assert len(children) == 1
        assert last["session_id"] == first["session_id"]
        assert (await server.get("/session/stats"))["hits"] == {"cold": 1, "hot": 2}


async def test_the_file_is_there_before_the_model_is_asked(tmp_path: Path) -> None:
    """A crash at any later moment finds the session's id."""
    async with open_world(tmp_path) as world:
        found: list[dict[str, Any]] = []

        async def look() -> None:
            found.extend(json.loads(path.read_text()) for path in world.session_files())

        world.model.script("hello", Behaviour(pause=look))
        async with world.serving():
            await world.ask("@Ada hello")
        (file,) = found
        assert str(UUID(file["session_id"])) == file["session_id"]
        assert (file["room_id"], file["bot_id"]) == (world.room.id, "ada")
        assert [path.stem for path in world.transcripts()] == [file["session_id"]]


async def test_a_file_of_five_fields_is_resumed(tmp_path: Path) -> None:
    """What the seed format holds is enough; its times without a zone are UTC."""
    async with open_world(tmp_path) as world:
        async with world.serving():
            await world.ask("@Ada remember: the tea is cold")
        (path,) = world.session_files()
        written = json.loads(path.read_text())
        now = datetime.now(UTC).replace(tzinfo=None).isoformat()
        seed = {name: written[name] for name in SEED_FIELDS} | {"last_used": now, "created_at": now}
        path.write_text(json.dumps(seed))
        assert isinstance(seed["room_id"], int)
        async with world.serving() as server:
            assert "tea" in await world.ask("@Ada what did I ask you to remember?")
            session = await the_session(server)
            assert (session["last_path"], session["session_id"]) == ("warm", seed["session_id"])


def _no_uuid(path: Path) -> None:
    rewrite(path, session_id="my-old-session")


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x00\xff{")


def _empty(path: Path) -> None:
    path.write_text("")


def _of_another_bot(path: Path) -> None:
    rewrite(path, bot_id="bo")


@pytest.mark.parametrize("spoil", [_no_uuid, _garbage, _empty, _of_another_bot])
async def test_a_spoiled_file_costs_the_session(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """The room goes on with a new session, which is told what was said last."""
    async with open_world(tmp_path) as world:
        async with world.serving():
            await world.ask("@Ada remember: the tea is cold")
        (path,) = world.session_files()
        old = json.loads(path.read_text())["session_id"]
        spoil(path)
        async with world.serving() as server:
            assert "the tea is cold" in await world.ask("@Ada repeat the whole prompt")
            session = await the_session(server)
            assert session["last_path"] == "cold"
            assert session["session_id"] != old
        written = json.loads(path.read_text())
        assert (written["session_id"], written["bot_id"]) == (session["session_id"], "ada")


def _deleted(path: Path) -> None:
    path.unlink()


def _rubbish(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 20)


@pytest.mark.parametrize("lose", [_deleted, _rubbish, _empty])
async def test_a_lost_transcript_is_made_up_for(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    """The new session begins with a recap of the room's last turns; log and stats say so."""
    async with open_world(tmp_path) as world:
        async with world.serving():
            await world.ask("@Ada remember: the tea is cold")
            await world.ask("@Ada echo: the milk is sour")
        lose(world.transcripts()[0])
        async with world.serving() as server:
            with capture_logs() as logs:
                answer = await world.ask("@Ada repeat the whole prompt")
            assert answer.index("the tea is cold") < answer.index("the milk is sour")
            (prompt,) = world.model.requests[-1].turns
            assert prompt.index("<recap>") < prompt.index("</recap>") < prompt.index("<message")
            assert {"session_lost", "session_recapped"} <= {line["event"] for line in logs}
            stats = await server.get("/session/stats")
            assert (stats["lost"], stats["hits"]) == (1, {"cold": 1})
            await world.ask("@Ada hello")
            assert world.model.requests[-1].body["messages"][0]["content"] != []
            assert sum("<recap>" in turn for turn in world.model.requests[-1].turns) == 1


async def test_an_expired_session_is_forgotten(tmp_path: Path) -> None:
    """After its TTL a room begins anew: no recap, and the old transcript is gone."""
    async with open_world(tmp_path) as world:
        async with world.serving():
            await world.ask("@Ada remember: the tea is cold")
        age_by_a_day_and_more(world)
        (old,) = world.transcripts()
        async with world.serving() as server:
            assert "nothing" in await world.ask("@Ada what did I ask you to remember?")
            assert "recap" not in world.model.requests[-1].last_text
            session = await the_session(server)
            assert session["last_path"] == "cold"
            assert not old.exists()
            assert (await server.get("/session/stats"))["lost"] == 0
        assert [path.stem for path in world.transcripts()] == [session["session_id"]]


async def test_an_expired_session_is_recapped_if_its_bot_says_so(tmp_path: Path) -> None:
    """With `recap_expired`, the new one is told what the room last talked about."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", "[session]\nrecap_expired = true\n")
        async with world.serving():
            await world.ask("@Ada remember: the tea is cold")
        age_by_a_day_and_more(world)
        async with world.serving() as server:
            assert "the tea is cold" in await world.ask("@Ada what did I ask you to remember?")
            assert "<recap>" in world.model.requests[-1].last_text
            stats = await server.get("/session/stats")
            assert (stats["lost"], stats["recapped"]) == (0, 1)


def age_by_a_day_and_more(world: World) -> None:
    """Make all that a stopped server has kept a day and an hour older."""
    age = timedelta(hours=25)
    for path in world.session_files():
        used = datetime.fromisoformat(json.loads(path.read_text())["last_used"])
        rewrite(path, last_used=(used - age).isoformat())
    with sqlite3.connect(world.cache / "journal.db") as db:
        db.execute("UPDATE history SET settled_at = settled_at - ?", (age.total_seconds(),))
    db.close()


async def test_each_person_has_a_memory_of_their_own(tmp_path: Path) -> None:
    """With `scope = "user"`, what Kim said is not known to Lee's Ada, over a restart too."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", '[session]\nscope = "user"\n')
        async with world.serving():
            await world.ask("@Ada remember: the tea is cold")
            question = "@Ada what did I ask you to remember?"
            assert "nothing" in await world.ask(question, person=world.lee)
            await world.ask("@Ada remember: the milk is sour", person=world.lee)
        names = {f"session_{world.room.id}_ada.{who.id}.json" for who in (world.kim, world.lee)}
        assert {path.name for path in world.session_files()} == names
        async with world.serving() as server:
            assert "the tea is cold" in await world.ask(question)
            assert "the milk is sour" in await world.ask(question, person=world.lee)
            sessions = (await server.get("/session/stats"))["sessions"]
            assert {session["user"] for session in sessions} == {
                str(world.kim.id),
                str(world.lee.id),
            }


async def test_two_bots_of_a_room_remember_apart(tmp_path: Path) -> None:
    """Ada's memory of a room is not Bo's."""
    async with open_world(tmp_path) as world:
        world.write_bot("bo")
        async with world.serving():
            await world.ask("@Ada remember: the tea is cold")
            said = await world.say("@Bo what did I ask you to remember?", mention=[world.bo])
            assert "nothing" in await world.answer(said, by=world.bo)
            room = world.room.id
            assert [path.name for path in world.session_files()] == [
                f"session_{room}_ada.json",
                f"session_{room}_bo.json",
            ]
