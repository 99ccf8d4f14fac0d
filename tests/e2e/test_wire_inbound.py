"""What Campfire and its forks send, through the real route to an answer in the room."""

import json
from pathlib import Path

import pytest

from bot.testing.campfire import Campfire, Dialect, Fate, RoomKind
from tests.e2e.watching import scrape
from tests.e2e.wire import Body, deliver
from tests.e2e.world import World, open_world
from tests.platforms import deliveries

_RECORDINGS = Path(deliveries.__file__).parent


def the_recorded_chat(campfire: Campfire) -> None:
    """Set up what the recorded requests speak of."""
    helper = campfire.add_bot("Helper", id=3, key=deliveries.KEY)
    zoe = campfire.add_person("Zoë O'Neil", id=42)
    campfire.add_room("All Talk", id=1)
    campfire.add_room(kind=RoomKind.DIRECT, members=[helper, zoe], id=9)


@pytest.mark.parametrize(
    ("name", "room", "answer"),
    [
        ("mention", 1, "You said: what is 2 < 3 & why? 👋"),
        ("direct-message", 9, "You said: hello"),
        ("attachment", 9, 'uploaded the file "moon.jpg"'),
        ("html", 1, "x = 1\ny = 2"),
    ],
)
async def test_recorded_requests(tmp_path: Path, name: str, room: int, answer: str) -> None:
    """What Campfire has sent, byte for byte but for its path, is answered in its room."""
    sent = (_RECORDINGS / f"{name}.http").read_bytes()
    sent = sent.replace(b"POST /hooks/helper?", b"POST /webhook/helper?", 1)
    async with open_world(tmp_path, prepare=the_recorded_chat) as world:
        world.write_bot("helper")
        async with world.serving({"HELPER_BOT_KEY": deliveries.KEY}) as server:
            helper = world.campfire.add_bot("Helper", f"{server.url}/webhook/helper")
            place = world.campfire.room(room)
            delivery = await world.campfire.deliver_raw(sent, helper, place)
            assert (delivery.status, delivery.fate) == (204, Fate.SILENT)
            await world.campfire.wait_until(lambda _: len(place.messages) == 1, timeout_s=30)
            assert answer in place.messages[0].plain
        assert world.campfire.violations == ()


async def test_what_people_write(tmp_path: Path) -> None:
    """Rich text, an upload and a bare mention each get the answer that fits."""
    async with open_world(tmp_path) as world, world.serving():
        rich = "<div>run<br><strong>now</strong></div><pre>x = 1 &lt; 2</pre>"
        said = await world.campfire.say(world.direct, world.kim, "", html=rich)
        assert "You said: run\nnow\nx = 1 < 2" in await world.answer(said)
        uploaded = await world.campfire.upload(world.direct, world.kim, "moon.jpg")
        assert 'the file "moon.jpg"' in await world.answer(uploaded)
        asked = len(world.model.requests)
        assert "after my name" in await world.ask("@Ada")
        assert len(world.model.requests) == asked
        assert world.campfire.violations == ()


def typed(body: Body) -> None:
    """Say that the body is a message, as a coming Campfire will."""
    body["type"] = "message"


def enriched(body: Body) -> None:
    """Add fields that nobody knows, at every level."""
    for section in (body, body["user"], body["room"], body["message"], body["message"]["body"]):
        section["new_in_2027"] = {"deep": [1, None, "x"]}


async def test_messages_of_other_versions(tmp_path: Path) -> None:
    """``type: message`` and fields that we do not know change nothing."""
    async with open_world(tmp_path) as world, world.serving() as server:
        for change in (typed, enriched):
            said, delivery = await deliver(world, server, change=change)
            assert delivery.status == 204
            assert "Hello" in await world.answer(said)


async def test_a_fork_says_more(tmp_path: Path) -> None:
    """A fork's richer body is answered; what it tells beside new messages asks for nothing."""
    async with open_world(tmp_path, dialect=Dialect.FORK) as world, world.serving() as server:
        assert "Kim" in await world.ask("@Ada my name is Kim")
        for event in ("message_updated", "boost_created"):
            _, delivery = await deliver(
                world, server, change=lambda body, event=event: body.update(event=event)
            )
            assert delivery.status == 204
        counted = await scrape(server)
        assert counted['hearth_ignored_total{why="unknown_type"}'] == 2
        assert len(world.said_by(world.ada)) == 1


async def test_what_asks_for_nothing(tmp_path: Path) -> None:
    """Unknown types, our own messages and those of other bots are acknowledged and left alone."""
    async with open_world(tmp_path) as world:
        world.write_bot("bo")
        async with world.serving() as server:
            button = {"type": "action", "action": {"value": "lunch:pizza", "selected": True}}
            changes = {
                "unknown_type": lambda body: body.update(button),
                "own_message": lambda body: body["user"].update(id=world.ada.id),
                "other_bot": lambda body: body["user"].update(id=world.bo.id),
            }
            for why, change in changes.items():
                _, delivery = await deliver(world, server, change=change)
                assert delivery.status == 204, why
                counted = await scrape(server)
                assert counted[f'hearth_ignored_total{{why="{why}"}}'] == 1
            assert (await server.get("/queue/stats"))["messages"]["accepted"] == 0
        assert world.said_by(world.ada) == []


async def test_bots_that_talk_to_each_other_stop(tmp_path: Path) -> None:
    """In a direct room of two bots an answer triggers the other bot, which does not answer it."""
    async with open_world(tmp_path) as world:
        world.write_bot("bo")
        three = [world.kim, world.ada, world.bo]
        room = world.campfire.add_room(kind=RoomKind.DIRECT, members=three)
        async with world.serving() as server:
            said = await world.say("hello", room=room, mention=())
            await world.answer(said, by=world.ada)
            await world.answer(said, by=world.bo)
            await world.campfire.delivered()
            assert (await server.settled()) == {"accepted": 2, "answered": 2}
            assert (await scrape(server))['hearth_ignored_total{why="other_bot"}'] == 2
        assert len(world.said_by(world.ada, room) + world.said_by(world.bo, room)) == 2


def pathless(body: Body) -> None:
    """Leave out what holds the key, as older versions do."""
    del body["room"]["path"]


@pytest.mark.parametrize(
    ("secret", "query", "status"),
    [
        ("a-secret-word", "?secret=a-secret-word", 204),
        ("a secret&wörd", "?secret=a+secret%26w%C3%B6rd", 204),
        ("a-secret-word", "?secret=another-word", 401),
        ("a-secret-word", "", 401),
        (None, "?secret=a-secret-word", 401),
    ],
)
async def test_a_body_without_a_key(
    tmp_path: Path, secret: str | None, query: str, status: int
) -> None:
    """A body without ``room.path`` needs the webhook's secret in the address."""
    async with open_world(tmp_path) as world:
        if secret:
            world.bots_dir.joinpath("ada.toml").write_text(with_secret(world, secret))
        async with world.serving() as server:
            said, delivery = await deliver(
                world, server, text="@Ada", path=f"/webhook/ada{query}", change=pathless
            )
            assert (delivery.status, delivery.content_type) == (status, None)
            if status == 204:
                assert "after my name" in await world.answer(said)
            else:
                refused = await scrape(server)
                assert refused['hearth_refused_total{reason="NotAuthentic"}'] == 1
        assert world.campfire.violations == ()


def with_secret(world: World, secret: str) -> str:
    """Return Ada's file with a webhook secret."""
    return f"webhook_secret = {json.dumps(secret)}\n" + (world.bots_dir / "ada.toml").read_text()


async def test_two_bots_in_one_room(tmp_path: Path) -> None:
    """Both answer a message that mentions both, each from a memory of its own."""
    async with open_world(tmp_path) as world:
        world.write_bot("bo")
        async with world.serving() as server:
            await world.ask("@Ada my name is Kim")
            said = await world.say("@Ada @Bo what is my name?", mention=[world.ada, world.bo])
            assert "Your name is Kim" in await world.answer(said, by=world.ada)
            assert "not told me" in await world.answer(said, by=world.bo)
            sessions = (await server.get("/session/stats"))["sessions"]
            assert sorted(row["bot"] for row in sessions) == ["ada", "bo"]
            assert (await server.settled()) == {"accepted": 3, "answered": 3}
        assert world.campfire.violations == ()
