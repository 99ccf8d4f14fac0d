"""The stand-in Campfire calls bots as Campfire does, and does with their answers what it would."""

import asyncio
import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.testing.campfire import BotAccount, Dialect, Fate, Gate, Message, PersonAccount, RoomKind
from bot.testing.campfire.markup import compose, mention
from bot.testing.campfire.payload import encode, payload, request
from bot.testing.campfire.plain_text import plain_text
from tests.standins.conftest import Place, settled

DELIVERIES = Path(__file__).parent / "deliveries"
ZOE = PersonAccount(id=42, name="Zoë O'Neil")
HELPER = BotAccount(id=3, name="Helper", key="3-AbCdEf123456", webhook_url=None)
NAMES = {42: ZOE.name, 3: HELPER.name}
RICH = f"<div>{mention(HELPER)} run<br><strong>now</strong></div><pre>x = 1\ny = 2</pre>"


@pytest.mark.parametrize(
    ("name", "case", "message_id", "room", "html", "filename"),
    [
        (
            "mention",
            "mention",
            100,
            (1, "All Talk"),
            compose("what is 2 < 3 & why? 👋", [HELPER]),
            None,
        ),
        ("direct-message", "dm", 101, (9, None), "<div>hello</div>", None),
        ("attachment", "attachment", 102, (9, None), None, "moon.jpg"),
        ("html", "html", 103, (1, "All Talk"), RICH, None),
    ],
)
def test_bytes_equal_campfires(
    name: str,
    case: str,
    message_id: int,
    room: tuple[int, str | None],
    html: str | None,
    filename: str | None,
) -> None:
    """The request is, to the byte, the one that Campfire sends."""
    message = Message(
        id=message_id,
        room_id=room[0],
        creator=ZOE,
        html=html,
        plain=filename or plain_text(html or "", NAMES),
        filename=filename,
        created_at=datetime.now(UTC),
    )
    body = encode(payload(message, room_name=room[1], bot=HELPER))
    url = f"http://127.0.0.1:18993/hooks/helper?t=s3cret&case={case}"
    assert request(url, body) == (DELIVERIES / f"{name}.http").read_bytes()


def test_default_port_is_not_named() -> None:
    """The Host header names a port only when it is not the scheme's own."""
    assert b"\r\nHost: bot.example\r\n" in request("https://bot.example/x", b"{}")


async def test_mention_calls_the_bot(place: Place) -> None:
    """A mention calls the bot, at its whole address, with the text without the mention."""
    await place.campfire.say(place.room, place.kim, "@Ada hello <you>", mention=[place.ada])
    await place.campfire.delivered()
    (call,) = place.webhook.calls
    assert call["user"] == {"id": place.kim.id, "name": "Kim"}
    assert call["room"] == {"id": 1, "name": "Watercooler", "path": place.posts}
    assert call["message"]["body"]["plain"] == "hello <you>"
    assert [name for name, _ in place.webhook.heads[0]] == [
        *("content-type", "accept-encoding", "accept", "user-agent", "host", "connection"),
        "content-length",
    ]


async def test_who_is_called(place: Place) -> None:
    """In a room the mentioned members are called; in a direct one all bots; never the author."""
    fire, ada, kim = place.campfire, place.ada, place.kim
    bo = fire.add_bot("Bo", place.webhook.url)
    closed = fire.add_room("Closed", kind=RoomKind.CLOSED, members=[kim, bo])
    direct = fire.add_room(kind=RoomKind.DIRECT, members=[kim, ada, bo])
    await fire.say(place.room, kim, "@Ada is only text")
    await fire.say(closed, kim, "not a member", mention=[ada])
    await fire.upload(place.room, kim, "moon.jpg")
    await fire.say(place.room, ada, "about myself", mention=[ada])
    message = await fire.say(direct, ada, "hello Bo")
    await fire.edit(message, "<div>hello again</div>")
    await fire.upload(direct, kim, "sun.jpg")
    await fire.delivered()
    called = [(d.bot_id, d.message_id - message.id) for d in fire.deliveries if d.message_id]
    assert called == [(bo.id, 0), (ada.id, 1), (bo.id, 1)]
    assert place.webhook.calls[0]["room"]["name"] is None
    assert place.webhook.calls[1]["message"]["body"] == {"html": None, "plain": "sun.jpg"}


async def test_bots_call_bots(place: Place) -> None:
    """A bot's post can call another bot."""
    bo = place.campfire.add_bot("Bo", place.webhook.url)
    assert (await place.post(f"<div>{mention(bo)} over to you</div>")).status_code == 201
    await place.campfire.delivered()
    assert [d.bot_id for d in place.campfire.deliveries] == [bo.id]


@pytest.mark.parametrize("status", [200, 204, 307, 401, 404, 503])
async def test_no_content_type_is_silent(place: Place, status: int) -> None:
    """Whatever the status, an answer without a Content-Type leaves no trace in the room."""
    place.webhook.status = status
    await place.campfire.say(place.room, place.kim, "hi", mention=[place.ada])
    await place.campfire.delivered()
    assert [m.creator for m in place.room.messages] == [place.kim]
    assert place.campfire.violations == ()
    assert place.campfire.deliveries[0].fate is Fate.SILENT


@pytest.mark.parametrize(
    ("status", "content_type", "body", "fate", "shown"),
    [
        (200, "text/plain; charset=utf-8", b"ok", Fate.TEXT, "ok"),
        (200, "text/html", b"<b>ok</b>", Fate.TEXT, "ok"),
        (200, "text/html", b"", Fate.TEXT, ""),
        (200, "application/json", b"{}", Fate.FILE, "attachment.json"),
        (200, "Text/Plain", b"ok", Fate.FILE, "attachment."),
        (201, "text/plain", b"ok", Fate.FILE, "attachment.text"),
        (404, "text/plain", b"Not Found", Fate.FILE, "attachment.text"),
        (500, "text/html", b"oh", Fate.FILE, "attachment.html"),
        (500, "application/x-strange", b"oh", Fate.FILE, "attachment."),
        (200, "image", b"", Fate.FAILED, None),
        (204, "text/plain", b"", Fate.FAILED, None),
    ],
)
async def test_content_type_leaves_a_trace(
    place: Place, status: int, content_type: str, body: bytes, fate: Fate, shown: str | None
) -> None:
    """An answer with a Content-Type becomes a message or a file, and a violation."""
    place.webhook.status, place.webhook.content_type = status, content_type
    place.webhook.body = body
    await place.campfire.say(place.room, place.kim, "hi", mention=[place.ada])
    await place.campfire.delivered()
    told = [message.plain for message in place.room.messages if message.creator == place.ada]
    assert told == ([] if shown is None else [shown])
    assert place.campfire.deliveries[0].fate is fate
    assert [violation.kind for violation in place.campfire.violations] == ["answer"]


async def test_compressed_answer(place: Place) -> None:
    """An answer may be compressed."""
    place.webhook.status, place.webhook.content_type = 200, "text/plain"
    place.webhook.body, place.webhook.headers = gzip.compress(b"ok"), {"Content-Encoding": "gzip"}
    await place.campfire.say(place.room, place.kim, "hi", mention=[place.ada])
    assert (await place.campfire.answer_to(place.room.messages[0])).plain == "ok"


async def test_slow_bot() -> None:
    """Who does not answer in time is complained about in the room, in the bot's own name."""
    async with settled(timeout_s=0.02) as place:
        place.webhook.gate = Gate()
        asked = await place.campfire.say(place.room, place.kim, "hi", mention=[place.ada])
        told = await place.campfire.answer_to(asked, by=place.ada)
        assert told.plain == "Failed to respond within 7 seconds"
        await place.campfire.delivered()
        assert place.campfire.deliveries[0].fate is Fate.TIMED_OUT


async def test_unreachable_bot(place: Place) -> None:
    """A bot that cannot be reached is not told about, and not called again."""
    ada = place.campfire.change_webhook(place.ada, "http://127.0.0.1:1/x")
    await place.campfire.say(place.room, place.kim, "hi", mention=[ada])
    await place.campfire.delivered()
    assert place.campfire.deliveries[0].fate is Fate.UNREACHABLE
    assert len(place.room.messages) == 1


async def test_one_worker_calls_in_order_and_two_do_not_wait() -> None:
    """One worker waits for each answer; with two, a second message comes beside the first."""
    for workers in (1, 2):
        async with settled(workers=workers) as place:
            gate = place.webhook.gate = Gate()
            for text in ("one", "two"):
                await place.campfire.say(place.room, place.kim, text, mention=[place.ada])
            await gate.reached(workers)
            assert len(place.webhook.calls) == workers
            gate.release()
            await place.campfire.delivered()
            assert sorted(place.webhook.texts) == ["one", "two"]


async def test_repeated_and_raw_deliveries(place: Place) -> None:
    """The same delivery can be sent again, and any bytes at all."""
    fire = place.campfire
    message = await fire.say(place.room, place.kim, "hi", mention=[place.ada], deliver=False)
    assert place.webhook.calls == []
    first = await fire.redeliver(message, place.ada)
    raw = fire.request_for(message, place.ada)
    second = await fire.deliver_raw(raw, place.ada, place.room)
    assert first is not None
    assert (first.status, second.status) == (204, 204)
    assert place.webhook.calls[0] == place.webhook.calls[1]
    broken = await fire.deliver_raw(b"nonsense\r\n\r\n", place.ada, place.room)
    assert (broken.status, broken.fate) == (400, Fate.FILE)


async def test_fork_sends_more() -> None:
    """The fork says more about room and author, and waits longer."""
    async with settled(dialect=Dialect.FORK) as place:
        await place.campfire.say(place.room, place.kim, "hi", mention=[place.ada])
        await place.campfire.delivered()
        (call,) = place.webhook.calls
        assert (call["event"], call["room"]["type"]) == ("message_created", "open")
        assert call["message"]["mentionees"] == [{"id": place.ada.id, "name": "Ada"}]


async def test_waiting_in_vain_tells_the_story(place: Place) -> None:
    """Whoever waits for what does not come learns what the rooms hold."""
    await place.campfire.say(place.room, place.kim, "anybody?")
    with pytest.raises(TimeoutError, match="anybody"):
        await place.campfire.wait_until(lambda _: False, timeout_s=0.01)


async def test_waiting_for_a_later_answer(place: Place) -> None:
    """Waiting ends with the change that is waited for."""
    asked = await place.campfire.say(place.room, place.kim, "hi")
    waiting = asyncio.create_task(place.campfire.answer_to(asked, containing="two"))
    await place.post("one")
    await place.post("two")
    assert (await waiting).plain == "two"


async def test_failing_block_fails_with_its_own_error() -> None:
    """An error inside the block comes out as it is, not wrapped in a group."""
    with pytest.raises(ZeroDivisionError):
        async with settled():
            raise ZeroDivisionError
