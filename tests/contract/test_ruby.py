"""Ruby's own Net::HTTP, which is Campfire's client, reads our answers: nothing gets into the room.

The server is the real one; the room's reaction is Campfire's rule, applied to what Ruby saw.
"""

import asyncio
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.testing.campfire import Fate
from bot.testing.campfire.answer_rule import effect_of
from tests.e2e.disk import Disk
from tests.e2e.wire import point
from tests.e2e.world import Running, World, open_world

RUBY = shutil.which("ruby")
_SCRIPT = Path(__file__).with_name("post.rb")

pytestmark = pytest.mark.skipif(RUBY is None, reason="needs ruby (Debian: apt-get install ruby)")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What Ruby made of an answer."""

    status: int = 0
    content_type: str | None = None
    body: str | None = None
    #: The error's class instead.
    error: str | None = None

    @property
    def fate(self) -> Fate:
        """What Campfire would do with it."""
        return effect_of(self.status, self.content_type, (self.body or "").encode()).fate


async def post(server: Running, body: bytes, path: str = "/webhook/ada") -> Seen:
    """Have Ruby call the server."""
    process = await asyncio.create_subprocess_exec(
        RUBY or "ruby",
        str(_SCRIPT),
        f"{server.url}{path}",
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(body)
    return Seen(**json.loads(said))


async def good_body(world: World, server: Running) -> bytes:
    """Return what Campfire sends for a message that it has not delivered yet."""
    ada = point(world, server)
    said = await world.campfire.say(world.room, world.kim, "@Ada", mention=[ada], deliver=False)
    return world.campfire.request_for(said, ada).partition(b"\r\n\r\n")[2]


async def test_ruby_sees_silence(tmp_path: Path) -> None:
    """Acknowledged or refused: Ruby finds no type and no body, and the room stays as it is."""
    async with open_world(tmp_path) as world, world.serving() as server:
        body = await good_body(world, server)
        cases = [
            (204, body, "/webhook/ada"),
            (204, body, "/webhook/ada"),
            (400, b"text=hello", "/webhook/ada"),
            (400, b"", "/webhook/ada"),
            (401, body.replace(world.ada.key.encode(), b"9-ZZZZZZZZZZZZ"), "/webhook/ada"),
            (404, body, "/webhook/nobody"),
            (404, body, "/hooks/ada"),
            (405, body, "/health"),
            (404, body, "/admin/bots"),
        ]
        for status, sent, path in cases:
            seen = await post(server, sent, path)
            assert (seen.status, seen.content_type, seen.error) == (status, None, None), path
            assert not seen.body
            assert seen.fate is Fate.SILENT
        assert (await server.settled()) == {"accepted": 1, "told": 1}
        assert len(world.said_by(world.ada)) == 1


async def test_ruby_sends_too_much(tmp_path: Path) -> None:
    """A body over the limit is refused while it is sent, and the room hears nothing of it."""
    async with open_world(tmp_path) as world, world.serving() as server:
        seen = await post(server, b" " * (1024 * 1024 + 1))
        # We close before everything is read; which of the two Ruby notices first is up to it.
        assert seen.status == 413 or seen.error in {"Errno::ECONNRESET", "Errno::EPIPE"}
        assert (seen.content_type, seen.body or "") == (None, "")
        assert seen.fate is Fate.SILENT


async def test_ruby_meets_a_full_disk(tmp_path: Path, disk: Disk) -> None:
    """What is not on disk is not acknowledged, and the room hears nothing of it."""
    async with open_world(tmp_path) as world, world.serving() as server:
        body = await good_body(world, server)
        with disk.breaking():
            seen = await post(server, body)
        assert (seen.status, seen.content_type, seen.fate) == (503, None, Fate.SILENT)
        assert (await post(server, body)).status == 204
        assert (await server.settled()) == {"accepted": 1, "told": 1}
