"""A room with Kim, Lee and Ada, and a webhook that answers as a test wants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.testing.campfire import BotAccount, Campfire, Dialect, PersonAccount, Room, open_campfire
from bot.testing.gate import Gate
from bot.testing.listener import listening


@dataclass
class Webhook:
    """Where bots are called: keeps what came, gives the answer that is set."""

    url: str = ""
    status: int = 204
    content_type: str | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    gate: Gate | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)
    #: The header lines of each call, as they came.
    heads: list[list[tuple[str, str]]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call."""
        request = Request(scope, receive)
        self.calls.append(await request.json())
        self.heads.append([(k.decode(), v.decode()) for k, v in scope["headers"]])
        if self.gate is not None:
            await self.gate()
        kind = {} if self.content_type is None else {"Content-Type": self.content_type}
        response = Response(self.body, self.status, {**self.headers, **kind})
        await response(scope, receive, send)

    @property
    def texts(self) -> list[str]:
        """The plain text of each call."""
        return [call["message"]["body"]["plain"] for call in self.calls]


@dataclass
class Place:
    """A chat in which everybody is in the Watercooler."""

    campfire: Campfire
    webhook: Webhook
    kim: PersonAccount
    lee: PersonAccount
    ada: BotAccount
    room: Room
    client: httpx.AsyncClient

    @property
    def posts(self) -> str:
        """Path for Ada's posts."""
        return f"/rooms/{self.room.id}/{self.ada.key}/messages"

    async def post(self, text: str, **headers: str) -> httpx.Response:
        """Post as Ada, the right way unless *headers* say otherwise."""
        kind = {"Content-Type": "text/html; charset=utf-8"} | headers
        return await self.client.post(self.posts, content=text.encode(), headers=kind)


@asynccontextmanager
async def settled(**options: Any) -> AsyncIterator[Place]:
    """Open a place."""
    webhook = Webhook()
    async with listening(webhook) as listener, open_campfire(**options) as campfire:
        webhook.url = f"{listener.url}/webhook/ada?secret=x"
        kim, lee = campfire.add_person("Kim"), campfire.add_person("Lee")
        ada = campfire.add_bot("Ada", webhook.url)
        room = campfire.add_room("Watercooler")
        async with httpx.AsyncClient(base_url=campfire.url) as client:
            yield Place(campfire, webhook, kim, lee, ada, room, client)
        if webhook.gate is not None:
            webhook.gate.release()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """Open a released Campfire."""
    async with settled() as opened:
        yield opened


@pytest.fixture
async def modern() -> AsyncIterator[Place]:
    """Open a Campfire of the main branch."""
    async with settled(dialect=Dialect.MAIN) as opened:
        yield opened
