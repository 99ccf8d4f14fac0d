"""Requests byte by byte, and what an answer to them would do to a room."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from bot.testing.campfire import Delivery, Message, Room
from bot.testing.campfire.payload import encode
from bot.testing.campfire.payload import request as webhook_request
from bot.testing.campfire.records import BotAccount
from tests.e2e.world import Running, World

Body = dict[str, Any]

#: A response that does nothing to a room: a head, no Content-Type in it, nothing after it.
_SILENT = re.compile(
    rb"HTTP/1\.1 (?P<status>\d{3}) [^\r\n]*\r\n(?:(?!content-type:)[^\r\n]+\r\n)*\r\n",
    re.IGNORECASE,
)
_PATIENCE_S = 10.0


def request(
    path: str = "/webhook/ada",
    body: bytes = b"{}",
    *,
    method: str = "POST",
    version: str = "1.1",
    headers: tuple[str, ...] = ("Connection: close",),
) -> bytes:
    """Return the bytes of a request."""
    lines = (
        f"{method} {path} HTTP/{version}",
        "Host: hearth",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body


async def exchange(url: str, sent: bytes, *, half_close: bool = False) -> bytes:
    """Send *sent* over a connection of its own; return what comes until the server closes it."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    received = bytearray()
    try:
        writer.write(sent)
        if half_close:
            writer.write_eof()
        async with asyncio.timeout(_PATIENCE_S):
            while chunk := await reader.read(65536):
                received += chunk
    except ConnectionError:
        pass  # it closed before it had read everything; what it said is here
    finally:
        writer.close()
    return bytes(received)


def statuses(answer: bytes) -> list[int]:
    """Return the statuses of *answer*, whose responses have neither body nor Content-Type."""
    found, end = [], 0
    while match := _SILENT.match(answer, end):
        found.append(int(match["status"]))
        end = match.end()
    assert end == len(answer), f"this would be posted to the room: {answer[end:][:300]!r}"
    return found


def point(world: World, server: Running, path: str = "/webhook/ada") -> BotAccount:
    """Have the chat call Ada at *path* of *server* from now on; return her as the chat has her."""
    return world.campfire.change_webhook(world.ada, f"{server.url}{path}")


async def deliver(
    world: World,
    server: Running,
    *,
    text: str = "@Ada hello",
    path: str = "/webhook/ada",
    room: Room | None = None,
    change: Callable[[Body], object] = lambda _: None,
) -> tuple[Message, Delivery]:
    """Have Kim say *text*, and deliver it to Ada with a body that *change* has changed."""
    room = room or world.room
    ada = point(world, server, path)
    said = await world.campfire.say(room, world.kim, text, mention=[ada], deliver=False)
    body = json.loads(world.campfire.request_for(said, ada).partition(b"\r\n\r\n")[2])
    change(body)
    raw = webhook_request(f"{server.url}{path}", encode(body))
    return said, await world.campfire.deliver_raw(raw, ada, room)
