"""The page on which people chat: rooms, messages as they come, and who you are."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.testing.campfire.chat import Chat
from bot.testing.campfire.directory import Room
from bot.testing.campfire.records import BotAccount, Message, PersonAccount, RoomKind
from bot.testing.campfire.sanitizer import shown

Say = Callable[..., Awaitable[Message]]

#: After so many seconds without news a comment is sent, so that a dead connection shows.
_PULSE_S = 15.0
#: Messages of a room that a page gets when it opens.
_LATEST = 200
_MOST_BYTES = 65536
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["html"])
)


class Page:
    """The page and what it asks for, under ``/demo``."""

    def __init__(self, chat: Chat, say: Say) -> None:
        self._chat = chat
        self._say = say

    def routes(self) -> list[Route]:
        """Return the routes of the page."""
        return [
            Route("/", self._page),
            Route("/demo/events", self._events),
            Route("/demo/say", self._said, methods=["POST"]),
        ]

    async def _page(self, _request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}';"
            " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'"
        )
        text = _TEMPLATES.get_template("room.html").render(nonce=nonce)
        headers = {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(text, headers=headers, media_type="text/html")

    async def _said(self, request: Request) -> Response:
        """Take ``{"room", "person", "text"}``; only JSON, which no foreign page can send here."""
        if request.headers.get("content-type") != "application/json":
            return Response(status_code=415)
        body = await request.body()
        if len(body) > _MOST_BYTES:
            return Response(status_code=413)
        try:
            asked = json.loads(body)
            room = self._chat.directory.rooms[asked["room"]]
            person = self._chat.directory.accounts[asked["person"]]
            text = str(asked["text"]).strip()
        except (ValueError, KeyError, TypeError):
            return Response(status_code=400)
        if not text or not isinstance(person, PersonAccount) or person.id not in room.member_ids:
            return Response(status_code=422)
        message = await self._say(room, person, text, mention=self._mentioned(room, text))
        return _json({"id": message.id}, 201)

    def _mentioned(self, room: Room, text: str) -> list[BotAccount]:
        """Return the bots of the room whose ``@Name`` stands in *text*."""
        members = [self._chat.directory.accounts[member] for member in room.member_ids]
        bots = [member for member in members if isinstance(member, BotAccount)]
        return [bot for bot in bots if f"@{bot.name}" in text]

    async def _events(self, _request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._news(), headers=headers, media_type="text/event-stream")

    async def _news(self) -> AsyncIterator[str]:
        """Yield everything once, and from then on what changes."""
        seen = self._chat.revision
        yield "retry: 1000\n" + _event("all", self._everything())
        while True:
            try:
                async with asyncio.timeout(_PULSE_S), self._chat.changed:
                    await self._chat.changed.wait_for(lambda: self._chat.revision > seen)  # noqa: B023 -- asked before it changes
            except TimeoutError:
                yield _event("pulse", {})
                continue
            changes, seen = self._chat.changed_since(seen), self._chat.revision
            for message_id, message in changes:
                if message is None:
                    yield _event("removed", {"id": message_id})
                else:
                    yield _event("message", self._message(message))

    def _everything(self) -> dict[str, Any]:
        directory = self._chat.directory
        people = [a for a in directory.accounts.values() if isinstance(a, PersonAccount)]
        return {
            "people": [{"id": person.id, "name": person.name} for person in people],
            "rooms": [self._room(room) for room in directory.rooms.values()],
        }

    def _room(self, room: Room) -> dict[str, Any]:
        members = [self._chat.directory.accounts[member] for member in room.member_ids]
        return {
            "id": room.id,
            "name": room.name,
            "direct": room.kind is RoomKind.DIRECT,
            "members": [
                {"id": m.id, "name": m.name, "bot": isinstance(m, BotAccount)} for m in members
            ],
            "messages": [self._message(message) for message in room.messages[-_LATEST:]],
        }

    def _message(self, message: Message) -> dict[str, Any]:
        return {
            "id": message.id,
            "room": message.room_id,
            "creator": message.creator.id,
            "name": message.creator.name,
            "bot": isinstance(message.creator, BotAccount),
            "html": shown(message.html or "", self._chat.directory.names),
            "file": message.filename,
            "blank": message.is_blank,
            "sound": message.sound,
            "edited": bool(message.edits),
            "at": message.created_at.isoformat(),
            "boosts": [{"by": b.booster.name, "content": b.content} for b in message.boosts],
        }


def _event(name: str, value: object) -> str:
    return f"event: {name}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n"


def _json(value: object, status: int) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")
