"""The routes by which a bot posts, reads, edits and reacts, with Campfire's ways of refusing."""

import hmac
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.testing.campfire.chat import Chat
from bot.testing.campfire.directory import Room
from bot.testing.campfire.faults import Failure, Faults
from bot.testing.campfire.rack import BadBody, Posted, read_body
from bot.testing.campfire.records import ApiCall, BotAccount, Dialect, Message
from bot.testing.campfire.sanitizer import lost_tags
from bot.testing.campfire.views import boost_json, message_json
from bot.testing.campfire.webhooks import Webhooks

_MESSAGES = "/rooms/{room:int}/{key}/messages"
_PAGE = 40
_LONGEST_BOOST = 16
_KEPT_CALLS = 1000
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

#: Set by the controllers: an error page, which comes in their place, has none.
_VERSIONS = {
    Dialect.RELEASED: {"X-Version": "1.4.9", "X-Rev": "5e1ea5ed"},
    Dialect.HALFWAY: {"X-Version": "main", "X-Rev": "190a0190"},
    Dialect.MAIN: {"X-Version": "main", "X-Rev": "9310b002"},
    Dialect.FORK: {"X-Version": "1.4.9", "X-Rev": "f02c0de0"},
}

#: Where bots can read, and a missing room is said by a controller.
_READABLE = (Dialect.HALFWAY, Dialect.MAIN)

Endpoint = Callable[[Request], Awaitable[Response]]


class _ErrorPage(HTTPException):
    """What Rails answers in place of a controller that found nothing, or failed."""


class BotApi:
    """The bot API in one dialect."""

    def __init__(self, chat: Chat, webhooks: Webhooks, faults: Faults, dialect: Dialect) -> None:
        self._chat = chat
        self._webhooks = webhooks
        self._faults = faults
        self._dialect = dialect
        self.calls: deque[ApiCall] = deque(maxlen=_KEPT_CALLS)

    def routes(self) -> list[Route]:
        """Return the routes, of which each dialect has some."""
        one, boosts = f"{_MESSAGES}/{{message:int}}", f"{_MESSAGES}/{{message:int}}/boosts"
        main = (Dialect.MAIN,)
        routes = [
            self._route(_MESSAGES, "POST", self._create),
            self._route(_MESSAGES, "GET", self._history, _READABLE),
            self._route(boosts, "POST", self._changing(self._boost), _READABLE),
            self._route(one, "PATCH", self._changing(self._update), main),
            self._route(one, "PUT", self._changing(self._update), main),
            self._route(one, "DELETE", self._changing(self._delete), main),
            self._route(boosts + "/{boost:int}", "DELETE", self._remove_boost, main),
        ]
        # Starlette would answer another method of a known path with 405.
        unknown = [(path, method) for path in (_MESSAGES, one, boosts) for method in _METHODS]
        return routes + [self._route(path, method, _no_route) for path, method in unknown]

    def _changing(self, endpoint: Endpoint) -> Endpoint:
        """Return *endpoint* with the faults of changes; who hangs up meanwhile has changed it."""

        async def change(request: Request) -> Response:
            await request.body()
            failure = await self._faults.meet_change()
            if failure is not None and not failure.carried_out:
                return _failed(failure)
            response = await endpoint(request)
            return response if failure is None else _failed(failure)

        return change

    def become(self, dialect: Dialect) -> None:
        """Be another version from now on."""
        self._dialect = dialect

    def _route(
        self,
        path: str,
        method: str,
        endpoint: Endpoint,
        dialects: Collection[Dialect] = tuple(Dialect),
    ) -> Route:
        async def answer(request: Request) -> Response:
            known = endpoint if self._dialect in dialects else _no_route
            await request.body()
            came_at = time.perf_counter()
            try:
                response = await known(request)
            except _ErrorPage as failed:
                response = _error_page(failed.status_code)
            except HTTPException as refused:
                response = Response(status_code=refused.status_code, headers=refused.headers)
                response.headers.update(_VERSIONS[self._dialect])
            else:
                response.headers.update(_VERSIONS[self._dialect])
            call = ApiCall(
                method=method,
                route=path,
                room_id=request.path_params["room"],
                content_type=request.headers.get("content-type"),
                status=response.status_code,
                message_id=request.path_params.get("message", _made(response)),
                came_at=came_at,
            )
            self.calls.append(call)
            await self._chat.tell()
            return response

        return Route(path, answer, methods=[method])

    # -- messages ------------------------------------------------------------------------------

    async def _create(self, request: Request) -> Response:
        # A server has the whole request before it is slow: who hangs up then has posted.
        await request.body()
        failure = await self._faults.meet_post()
        if failure is not None and not failure.carried_out:
            return _failed(failure)
        bot, room = self._entered(request)
        posted = await self._posted(request, bot, room)
        if self._dialect in _READABLE and posted.is_blank:
            raise HTTPException(422)
        message = await self._chat.post(
            room, bot, html=posted.html, filename=posted.filename, content=posted.content
        )
        self._webhooks.trigger(message)
        self._judge(message, bot, room)
        if self._faults.take_drop():
            request.app.state.listener.hang_up(request.scope)
        if failure is not None:
            return _failed(failure)
        location = f"{str(request.base_url).rstrip('/')}/messages/{message.id}"
        return Response(status_code=201, headers={"Location": location})

    async def _history(self, request: Request) -> Response:
        if failure := await self._faults.meet_read():
            return _failed(failure)
        _, room = self._entered(request)
        messages = list(room.messages)
        query = request.query_params
        if before := query.get("before"):
            older = messages[: messages.index(self._find(room, before))]
            page, more = older[-_PAGE:], len(older) > _PAGE
        elif after := query.get("after"):
            newer = messages[messages.index(self._find(room, after)) + 1 :]
            page, more = newer[:_PAGE], len(newer) > _PAGE
        else:
            page, more = messages[-_PAGE:], len(messages) > _PAGE
        headers = {"X-Total-Count": str(len(messages))}
        if more:
            turn = f"after={page[-1].id}" if "after" in query else f"before={page[0].id}"
            headers["Link"] = f'<{request.url.replace(query=turn)}>; rel="next"'
        return _json([self._message(request, message) for message in page], 200, headers)

    async def _update(self, request: Request) -> Response:
        bot, room = self._entered(request)
        message = self._own(request, bot, room)
        posted = await self._posted(request, bot, room)
        changed = await self._chat.edit(message, posted.html or "")
        self._judge(changed, bot, room)
        return _json(self._message(request, changed), 200)

    async def _delete(self, request: Request) -> Response:
        bot, room = self._entered(request)
        await self._chat.remove(self._own(request, bot, room))
        return Response(status_code=204)

    # -- boosts --------------------------------------------------------------------------------

    async def _boost(self, request: Request) -> Response:
        bot, room = self._entered(request)
        message = self._find(room, request.path_params["message"])
        content = (await request.body()).decode(errors="replace").strip()
        if not content or len(content) > _LONGEST_BOOST:
            raise HTTPException(422)
        boost = await self._chat.boost(message, bot, content)
        return _json(boost_json(boost, message, base_url=_base_of(request)), 201)

    async def _remove_boost(self, request: Request) -> Response:
        bot, room = self._entered(request)
        message = self._find(room, request.path_params["message"])
        for boost in message.boosts:
            if boost.id == request.path_params["boost"] and boost.booster.id == bot.id:
                await self._chat.remove_boost(message, boost)
                return Response(status_code=204)
        raise _ErrorPage(404)

    # -- what they share -----------------------------------------------------------------------

    def _entered(self, request: Request) -> tuple[BotAccount, Room]:
        """Return the bot of the key and the room it is in."""
        bot = self._bot(request.path_params["key"])
        if bot is None:
            raise HTTPException(302, headers={"Location": f"{_base_of(request)}/session/new"})
        room = self._chat.directory.rooms.get(request.path_params["room"])
        if room is None or bot.id not in room.member_ids:
            raise HTTPException(404) if self._dialect in _READABLE else _ErrorPage(500)
        return bot, room

    def _bot(self, key: str) -> BotAccount | None:
        account_id = key.partition("-")[0]
        if not (key.isascii() and account_id.isdecimal()):
            return None
        account = self._chat.directory.accounts.get(int(account_id))
        if isinstance(account, BotAccount) and hmac.compare_digest(account.key, key):
            return account
        return None

    async def _posted(self, request: Request, bot: BotAccount, room: Room) -> Posted:
        try:
            posted = read_body(request.headers.get("content-type"), await request.body())
        except BadBody as bad:
            self._webhooks.complain("bad_body", bot, room, str(bad))
            raise HTTPException(bad.status) from bad
        if posted.complaint is not None:
            self._webhooks.complain("body_type", bot, room, posted.complaint)
        return posted

    def _own(self, request: Request, bot: BotAccount, room: Room) -> Message:
        message = self._find(room, request.path_params["message"])
        if message.creator.id != bot.id:
            raise HTTPException(403)
        return message

    def _find(self, room: Room, message_id: str | int) -> Message:
        found = room.find(int(message_id)) if str(message_id).isdecimal() else None
        if found is None:
            raise _ErrorPage(404)
        return found

    def _judge(self, message: Message, bot: BotAccount, room: Room) -> None:
        """Note what a reader in the room would stumble over."""
        if message.is_blank:
            self._webhooks.complain("blank", bot, room, f"message {message.id} is blank")
        if message.sound:
            self._webhooks.complain("sound", bot, room, f"message {message.id} plays a sound")
        if lost := lost_tags(message.html or ""):
            what = f"message {message.id}: {', '.join(f'<{tag}>' for tag in lost)} vanished"
            self._webhooks.complain("lost_tag", bot, room, what)

    def _message(self, request: Request, message: Message) -> dict[str, object]:
        names = self._chat.directory.names
        return message_json(message, names=names, base_url=_base_of(request))


def _made(response: Response) -> int | None:
    name = response.headers.get("location", "").rpartition("/")[2]
    return int(name) if name.isdecimal() else None


async def _no_route(_: Request) -> Response:
    raise _ErrorPage(404)


def _failed(failure: Failure) -> Response:
    return Response(status_code=failure.status, headers=failure.headers)


def _error_page(status: int) -> Response:
    return Response(f"<h1>{status}</h1>", status, media_type="text/html")


def _base_of(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _json(value: object, status: int, headers: dict[str, str] | None = None) -> Response:
    content_type = "application/json; charset=utf-8"
    return Response(json.dumps(value), status, headers, media_type=content_type)
