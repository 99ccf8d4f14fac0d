"""What is refused: its status, its line in the log, its count, and nothing else happens."""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from bot.testing.campfire.payload import encode
from bot.web.webhook import Webhook
from tests.e2e.disk import Disk
from tests.e2e.watching import Log, scrape
from tests.e2e.wire import Body, deliver, exchange, point, request, statuses
from tests.e2e.world import UNGUARDED, Running, World, open_world

_MEBIBYTE = 1024 * 1024
_CHUNKED = ("Transfer-Encoding: chunked", "Connection: close")


@dataclass(frozen=True, kw_only=True)
class Bad:
    """Something that is refused."""

    #: What is sent instead of the good body, or instead of the whole request.
    body: bytes | Callable[[Body], bytes] = b"{}"
    sent: bytes = b""
    path: str = "/webhook/ada"
    method: str = "POST"
    status: int = 400
    reason: str = "Malformed"
    #: What the line in the log says, as a pattern.
    why: str


def varied(change: Callable[[Body], object]) -> Callable[[Body], bytes]:
    """Return what makes a bad body out of a good one."""

    def vary(body: Body) -> bytes:
        change(body)
        return json.dumps(body).encode()

    return vary


def in_chunks(size: int) -> bytes:
    """Return a request with a body of *size* bytes that does not say how long it is."""
    head = (
        request(headers=_CHUNKED).partition(b"\r\n\r\n")[0].replace(b"Content-Length: 2\r\n", b"")
    )
    chunk = b"%x\r\n%s\r\n" % (65536, b"x" * 65536)
    return head + b"\r\n\r\n" + chunk * (size // 65536 + 1)


def wrong_key(body: Body) -> None:
    """Put another key where the bot's stands."""
    body["room"]["path"] = re.sub(r"\d+-\w+", "9-ZZZZZZZZZZZZ", body["room"]["path"])


TABLE = {
    "too large, announced": Bad(
        body=b" " * (_MEBIBYTE + 1), status=413, reason="TooLarge", why="1048577 bytes"
    ),
    "too large, in chunks": Bad(
        sent=in_chunks(_MEBIBYTE), status=413, reason="TooLarge", why="more than 1048576"
    ),
    "nothing": Bad(body=b"", why="not JSON"),
    "not JSON": Bad(body=b"text=hello", why="not JSON: .* at character 0"),
    "half of it": Bad(body=lambda body: encode(body)[:40], why="not JSON"),
    "two of it": Bad(body=lambda body: encode(body) * 2, why="not JSON"),
    "not UTF-8": Bad(body=b'{"user":"\xff"}', why="not UTF-8"),
    "compressed": Bad(body=b"\x1f\x8b\x08\x00", why="not UTF-8"),
    "a list": Bad(body=b"[]", why="a list; it must be an object"),
    "NaN": Bad(body=b'{"user":NaN}', why="NaN"),
    "deeply nested": Bad(body=b"[" * 500_000, why="nested too deep"),
    "a long number": Bad(body=b'{"user":' + b"9" * 5000 + b"}", why="thousands of digits"),
    "no user": Bad(body=varied(lambda body: body.pop("user")), why="user is missing"),
    "no text": Bad(
        body=varied(lambda body: body["message"]["body"].pop("plain")), why="plain is missing"
    ),
    "room is text": Bad(body=varied(lambda body: body.update(room="1")), why="room is a string"),
    "id is text": Bad(
        body=varied(lambda body: body["message"].update(id="1")), why="message.id is a string"
    ),
    "id is true": Bad(
        body=varied(lambda body: body["user"].update(id=True)), why="user.id is a boolean"
    ),
    "id below zero": Bad(
        body=varied(lambda body: body["message"].update(id=-1)), why="message.id is out of range"
    ),
    "wrong method": Bad(method="PUT", status=405, reason="WrongMethod", why="PUT is not POST"),
    "unknown bot": Bad(
        path="/webhook/nobody", status=404, reason="UnknownBot", why='no bot "nobody"'
    ),
    "wrong key": Bad(
        body=varied(wrong_key), status=401, reason="NotAuthentic", why="does not hold the key"
    ),
    "no key": Bad(
        body=varied(lambda body: body["room"].pop("path")),
        status=401,
        reason="NotAuthentic",
        why="no `webhook_secret`",
    ),
    "key of another room": Bad(
        body=varied(lambda body: body["room"].update(id=77)),
        status=401,
        reason="NotAuthentic",
        why="does not hold the key",
    ),
}


async def send(world: World, server: Running, bad: Bad) -> list[int]:
    """Send what is refused; return the statuses of the silent answer."""
    ada = point(world, server)
    said = await world.campfire.say(world.room, world.kim, "@Ada hi", mention=[ada], deliver=False)
    body = bad.body
    if callable(body):
        body = body(json.loads(world.campfire.request_for(said, ada).partition(b"\r\n\r\n")[2]))
    sent = bad.sent or request(bad.path, body, method=bad.method)
    return statuses(await exchange(server.url, sent))


@asynccontextmanager
async def refusing(world: World, server: Running, log: Log, bad: Bad) -> AsyncIterator[None]:
    """Check what a refusal does, and what it leaves alone."""
    counter = f'hearth_refused_total{{reason="{bad.reason}"}}'
    lines, counted = len(log.find("delivery_refused")), await scrape(server)
    spoken = world.said_by(world.ada)
    yield
    (line,) = log.find("delivery_refused")[lines:]
    assert (line["level"], line["reason"]) == ("warning", bad.reason)
    assert re.search(bad.why, line["why"]), line["why"]
    assert world.ada.key not in str(line)
    after = await scrape(server)
    assert after[counter] - counted.get(counter, 0) == 1
    accepted = 'hearth_messages_total{outcome="accepted"}'
    assert after[accepted] == counted[accepted]
    assert world.said_by(world.ada) == spoken
    assert "after my name" in await world.ask("@Ada")


async def test_the_table_of_bad_input(tmp_path: Path, log: Log) -> None:
    """Each row gets its status, one line and its count; the next good message is answered."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", UNGUARDED)
        await _refuse_all(world, log)


async def _refuse_all(world: World, log: Log) -> None:
    async with world.serving() as server:
        for name, bad in TABLE.items():
            async with refusing(world, server, log, bad):
                assert await send(world, server, bad) == [bad.status], name
        assert (await server.settled()) == {"accepted": len(TABLE), "told": len(TABLE)}
        assert world.campfire.violations == ()


NOT_RECORDED = Bad(status=503, reason="NotRecorded", why="disk I/O error")


async def test_a_journal_that_cannot_be_written(tmp_path: Path, log: Log, disk: Disk) -> None:
    """Nothing is acknowledged that is not on disk; once the disk works again, all is well."""
    async with open_world(tmp_path) as world, world.serving() as server:
        async with refusing(world, server, log, NOT_RECORDED):
            with disk.breaking():
                _, delivery = await deliver(world, server)
            assert (delivery.status, delivery.content_type) == (503, None)
        assert (await server.settled()) == {"accepted": 1, "told": 1}
        assert world.campfire.violations == ()


async def test_a_journal_that_takes_too_long(
    tmp_path: Path, log: Log, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that is late gets 503 before Campfire complains; if it lands, it is answered."""
    monkeypatch.setattr("bot.app.Webhook", partial(Webhook, record_s=0.05))
    async with open_world(tmp_path) as world, world.serving() as server:
        with disk.stuck():
            said, delivery = await deliver(world, server)
            assert (delivery.status, delivery.content_type) == (503, None)
            (line,) = log.find("delivery_refused")
            assert (line["reason"], line["why"]) == ("NotRecorded", "not on disk within 0.05 s")
        assert "Hello" in await world.answer(said)
        assert (await server.settled()) == {"accepted": 1, "answered": 1}
        assert (await scrape(server))['hearth_refused_total{reason="NotRecorded"}'] == 1
        assert world.campfire.violations == ()


async def test_a_repeated_delivery(tmp_path: Path) -> None:
    """It is acknowledged like the first, counted, and answered once."""
    async with open_world(tmp_path) as world, world.serving() as server:
        said = await world.say("@Ada")
        await world.answer(said)
        again = await world.campfire.redeliver(said, world.ada)
        assert again is not None
        assert again.status == 204
        assert (await server.settled()) == {"accepted": 1, "told": 1}
        assert (await scrape(server))["hearth_repeated_total"] == 1
        assert len(world.said_by(world.ada)) == 1
