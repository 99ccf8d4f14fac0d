"""``POST /webhook/{bot}``: a delivery is on disk, and then it is acknowledged.

Plain ASGI: this is the one route where a few microseconds count, and every answer of a framework
carries a Content-Type.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qs

import structlog
from starlette.types import Receive, Scope, Send

from bot.config.bot import Bot
from bot.errors import (
    BotError,
    JournalError,
    Malformed,
    NotRecorded,
    Refused,
    UnknownBot,
    WrongMethod,
)
from bot.records import Acceptance, Credentials, Ignored, Message
from bot.rooms.lane import lane_of
from bot.rooms.off_record import with_record
from bot.web.bare import answer_bare
from bot.web.body import CUT_SHORT, read_body
from bot.web.patience import Patience

log = structlog.get_logger(__name__)

PREFIX = "/webhook/"
#: Campfire complains in the room after 7 s.
_RECORD_S = 5.0
_NOT_ALLOWED = HTTPStatus.METHOD_NOT_ALLOWED
_ALLOW = ((b"allow", b"POST"),)

Respond = Callable[[HTTPStatus], None]


class Inbound(Protocol):
    """A platform, as far as a delivery needs it."""

    def read(
        self, body: bytes, *, credentials: Credentials, secret: str | None, received_at: datetime
    ) -> Message | Ignored:
        """Return what an authentic delivery says; raises Refused."""
        ...


class Inbox(Protocol):
    """The journal, as far as a delivery needs it."""

    def accept(self, message: Message, *, lane: str) -> asyncio.Future[Acceptance]:
        """Record a message; it lands even when nobody waits any more."""
        ...

    def on_new(self, tell: Callable[[str], None]) -> None:
        """Call *tell* with the lane of each message that is new and on disk."""
        ...

    def lost(self) -> None:
        """Take note that the disk did not take one, which the platform does not send again."""
        ...


class Bots(Protocol):
    """The roster, as far as a delivery needs it."""

    def get(self, bot_id: str) -> Bot | None:
        """Return the bot that takes deliveries under this id."""
        ...


class Counters(Protocol):
    """What is counted of deliveries that are not accepted."""

    def refused(self, reason: str) -> None:
        """Count a refusal."""
        ...

    def ignored(self, why: str) -> None:
        """Count a delivery that asks for nothing."""
        ...

    def repeated(self) -> None:
        """Count a repeated delivery."""
        ...


class Webhook:
    """The route. Its answers have a status and nothing else."""

    def __init__(
        self,
        bots: Bots,
        platforms: Mapping[str, Inbound],
        inbox: Inbox,
        counters: Counters,
        *,
        enqueue: Callable[[str], None],
        record_s: float = _RECORD_S,
    ) -> None:
        self._bots = bots
        self._platforms = platforms
        self._inbox = inbox
        self._counters = counters
        self._patience = Patience(record_s)
        inbox.on_new(enqueue)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one delivery."""
        bot_id = scope["path"][len(PREFIX) :]
        # What stays when a bug ends this: uvicorn logs it, and the platform hears nothing of it.
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        try:
            if scope["method"] != "POST":
                raise WrongMethod(f"{scope['method']} is not POST")
            bot = self._bot(bot_id)
            body = await read_body(scope, receive)
            message = self._read(bot, scope["query_string"], body)
            if message is not None:
                landing = self._record(bot, message)
                with suppress(BotError):  # looked at right below
                    await landing
                self._end(message, landing)
            status = HTTPStatus.NO_CONTENT
        except Refused as refusal:
            status = self._refuse(bot_id, refusal)
        finally:
            await answer_bare(send, status, _ALLOW if status == _NOT_ALLOWED else ())

    def take(self, bot_id: str, query: bytes, body: bytes, respond: Respond) -> None:
        """Take one delivery; *respond* is called once with what became of it."""
        status: HTTPStatus | None = HTTPStatus.INTERNAL_SERVER_ERROR
        try:
            bot = self._bot(bot_id)
            message = self._read(bot, query, body)
            if message is None:
                status = HTTPStatus.NO_CONTENT
            else:
                landing = self._record(bot, message)
                landing.add_done_callback(partial(self._landed, message, respond))
                status = None
        except Refused as refusal:
            status = self._refuse(bot_id, refusal)
        finally:
            if status is not None:
                respond(status)

    def lose(self, bot_id: str) -> None:
        """Take note of a delivery whose caller went away before its body was complete."""
        self._refuse(bot_id, Malformed(CUT_SHORT))

    def _landed(
        self, message: Message, respond: Respond, landing: asyncio.Future[Acceptance]
    ) -> None:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        try:
            self._end(message, landing)
            status = HTTPStatus.NO_CONTENT
        except Refused as refusal:
            status = self._refuse(message.bot, refusal)
        finally:
            respond(status)

    def _refuse(self, bot_id: str, refusal: Refused) -> HTTPStatus:
        reason = type(refusal).__name__
        self._counters.refused(reason)
        if isinstance(refusal, NotRecorded):
            self._inbox.lost()
        log.warning("delivery_refused", bot=bot_id, reason=reason, why=str(refusal))
        return refusal.status

    def _bot(self, bot_id: str) -> Bot:
        bot = self._bots.get(bot_id)
        if bot is None:
            raise UnknownBot(f'no bot "{bot_id}" is configured')
        return bot

    def _read(self, bot: Bot, query: bytes, body: bytes) -> Message | None:
        """Return what was delivered; None when it asks for nothing."""
        found = self._platforms[bot.platform].read(
            body,
            credentials=bot.credentials,
            secret=_secret(query),
            received_at=datetime.now(UTC),
        )
        if isinstance(found, Ignored):
            self._counters.ignored(found.why)
            log.debug("delivery_ignored", bot=bot.id, why=found.why)
            return None
        return with_record(bot, found)

    def _record(self, bot: Bot, message: Message) -> asyncio.Future[Acceptance]:
        """Begin to record a message. One that lands too late is still answered."""
        try:
            landing = self._inbox.accept(message, lane=lane_of(bot, message))
        except JournalError as error:
            raise NotRecorded(str(error)) from error
        return self._patience.limit(landing)

    def _end(self, message: Message, landing: asyncio.Future[Acceptance]) -> None:
        """Raise what has kept a message off the disk; count one that was there already."""
        try:
            acceptance = landing.result()
        except JournalError as error:
            raise NotRecorded(str(error)) from error
        if acceptance is Acceptance.REPEATED:
            self._counters.repeated()
            log.debug("delivery_repeated", bot=message.bot, message=message.id)


def _secret(query: bytes) -> str | None:
    if b"secret" not in query:
        return None
    return parse_qs(query.decode("latin-1")).get("secret", [None])[0]
