"""Reading the history: on the stand-in's sockets, and with answers that no Campfire should give."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import respx

from bot.errors import ChatError, ChatRefused, ChatUnavailable
from bot.platforms.campfire import Campfire
from bot.platforms.campfire.api import Api
from bot.platforms.campfire.capability import REPROBE_S
from bot.platforms.campfire.fate import FATES, Fate
from bot.platforms.campfire.history import History
from bot.platforms.campfire.wire import Wire
from bot.records import Credentials, Message, RoomMessage
from bot.testing.campfire import BotAccount, Dialect, PersonAccount, Room, RoomKind, open_campfire
from bot.testing.campfire import Campfire as StandIn
from tests.platforms.deliveries import KEY
from tests.platforms.test_page import MESSAGE, page

BASE = "http://chat.test"
URL = f"{BASE}/rooms/7/{KEY}/messages"
NOW = datetime(2026, 8, 21, 12, tzinfo=UTC)
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
OLD = {"X-Version": "1.4.9", "X-Rev": "a"}
NEW = {"X-Version": "1.5.0", "X-Rev": "b"}


# -- on real sockets -------------------------------------------------------------------------------


@dataclass
class Place:
    """A stand-in Campfire with Kim and Ada in the Watercooler, and our platform for it."""

    chat: StandIn
    campfire: Campfire
    kim: PersonAccount
    ada: BotAccount
    room: Room

    async def say(self, *texts: str) -> list[str]:
        """Let Kim say *texts*; return their ids."""
        return [str((await self.chat.say(self.room, self.kim, text)).id) for text in texts]

    async def read(self, **anchor: str) -> list[str] | None:
        """Return the plain texts of a page."""
        found = await self.campfire.history(room=str(self.room.id), key=self.ada.key, **anchor)
        return texts_of(found)

    async def since(self, after: str, *, limit: int = 1000) -> list[str] | None:
        """Return the plain texts of what came after a message."""
        room = str(self.room.id)
        found = await self.campfire.history_since(room, self.ada.key, after, limit=limit)
        return texts_of(found)

    @property
    def reads(self) -> list[int]:
        """The statuses with which reading was answered."""
        return [call.status for call in self.chat.api_calls if call.method == "GET"]


def texts_of(found: tuple[RoomMessage, ...] | None) -> list[str] | None:
    """Return the plain texts of a page."""
    return None if found is None else [message.plain for message in found]


@asynccontextmanager
async def settled(dialect: Dialect, **options: Any) -> AsyncIterator[Place]:
    """Open a place."""
    async with (
        open_campfire(dialect=dialect, **options) as chat,
        Wire(NO_CERTIFICATES) as wire,
    ):
        kim, ada = chat.add_person("Kim"), chat.add_bot("Ada")
        room = chat.add_room("Watercooler")
        yield Place(chat, Campfire(chat.url, wire), kim, ada, room)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """Open a Campfire of the main branch."""
    async with settled(Dialect.MAIN) as opened:
        yield opened


async def test_pages(place: Place) -> None:
    """Pages come oldest first: the newest, those before, those after."""
    names = [f"n{number}" for number in range(45)]
    ids = await place.say(*names)
    assert await place.read() == names[5:]
    assert await place.read(before=ids[5]) == names[:5]
    assert await place.read(after=ids[41]) == names[42:]
    assert await place.read(after=ids[0]) == names[1:41]
    assert await place.read(after=ids[-1]) == []
    assert await place.read(before=ids[0]) == []


async def test_since(place: Place) -> None:
    """Everything after a message is read, over the ends of pages, within the limit."""
    names = [f"n{number}" for number in range(90)]
    ids = await place.say(*names)
    assert await place.since(ids[0]) == names[1:]
    assert await place.since(ids[0], limit=50) == names[1:51]
    assert await place.since(ids[-1]) == []


async def test_empty_room(place: Place) -> None:
    """A room in which nobody spoke has an empty history."""
    assert await place.read() == []


@pytest.mark.parametrize("dialect", [Dialect.RELEASED, Dialect.FORK])
async def test_no_history(dialect: Dialect) -> None:
    """A Campfire without history is asked once, also when a message is named, and then left."""
    async with settled(dialect) as place:
        (first,) = await place.say("hi")
        assert await place.since(first) is None
        assert place.reads == [404, 404]
        assert await place.read() is None
        assert await place.read(after=first) is None
        assert place.reads == [404, 404]


async def test_upgrade(tmp_path: Path) -> None:
    """After an upgrade, the first answer to anything shows the version, and history is there."""
    state = tmp_path / "campfire.jsonl"
    async with settled(Dialect.RELEASED, state=state) as place:
        room, key, port = str(place.room.id), place.ada.key, int(place.chat.url.rpartition(":")[2])
        assert await place.campfire.post(room=room, html="before", key=key)
        assert await place.read() is None
        await place.chat.refuse_connections()
        async with open_campfire(dialect=Dialect.MAIN, state=state, port=port):
            assert await place.read() is None
            assert await place.campfire.post(room=room, html="after", key=key)
            assert await place.read() == ["before", "after"]


@pytest.mark.parametrize("asked_first", [True, False])
async def test_not_a_member(place: Place, asked_first: bool) -> None:  # noqa: FBT001 - parametrized
    """A room that the bot is not in is refused, and says nothing of the others."""
    (first,) = await place.say("hi")
    closed = place.chat.add_room("Closed", kind=RoomKind.CLOSED, members=[place.kim])
    if asked_first:
        assert await place.read() == ["hi"]
    for room in (str(closed.id), "999"):
        with pytest.raises(ChatRefused, match=rf"reading room {room} .* not a member of it"):
            await place.campfire.history(room=room, key=place.ada.key, after=first)
    assert await place.read() == ["hi"]


async def test_removed_message(place: Place) -> None:
    """A message that was removed still says where to read on, after it and before it."""
    names = [f"n{number}" for number in range(100)]
    ids = await place.say(*names)
    gone = place.room.find(int(ids[20]))
    assert gone is not None
    await place.chat.remove(gone)
    assert await place.read(after=ids[20]) == names[21:61]
    assert await place.since(ids[20]) == names[21:]
    assert await place.read(before=ids[20]) == names[:20]


async def test_newest_message_removed(place: Place) -> None:
    """When the last message that was read is removed, nothing came after it."""
    ids = await place.say("one", "two")
    gone = place.room.find(int(ids[1]))
    assert gone is not None
    await place.chat.remove(gone)
    assert await place.since(ids[1]) == []
    assert await place.read(before=ids[1]) == ["one"]
    await place.say("three")
    assert await place.since(ids[1]) == ["three"]


async def test_wrong_key(place: Place) -> None:
    """A wrong key leads to the login page: refused, with a cure."""
    with pytest.raises(ChatRefused, match="key is wrong or expired"):
        await place.campfire.history(room=str(place.room.id), key=f"{place.ada.id}-x")


async def test_outage(place: Place) -> None:
    """While Campfire is down, reading may work later."""
    await place.chat.refuse_connections()
    with pytest.raises(ChatUnavailable, match="cannot be reached"):
        await place.read()


async def test_missed_equals_delivered(place: Place) -> None:
    """What the history shows is read into the very message that the webhook brings."""
    ada = place.chat.change_webhook(place.ada, "http://127.0.0.1:1/webhook/ada")
    direct = place.chat.add_room(kind=RoomKind.DIRECT, members=[place.kim, ada])
    cases = [
        await place.chat.say(place.room, place.kim, "what is 2 < 3 & why? 👋", mention=[ada]),
        await place.chat.say(place.room, place.kim, "ask @Ada\nor @Adam", mention=[ada]),
        await place.chat.say(place.room, place.kim, "", mention=[ada]),
        await place.chat.say(direct, place.kim, "hello", deliver=False),
        await place.chat.upload(direct, place.kim, "moon.jpg"),
    ]
    credentials = Credentials(bot="ada", key=ada.key)
    for said in cases:
        body = place.chat.request_for(said, ada).partition(b"\r\n\r\n")[2]
        brought = place.campfire.read(body, credentials=credentials, secret=None, received_at=NOW)
        assert isinstance(brought, Message)
        found = await place.campfire.history(room=brought.room, key=ada.key)
        (shown,) = [message for message in found or () if message.id == brought.id]
        missed = place.campfire.read_missed(
            shown,
            credentials=credentials,
            bot_name="Ada",
            room=brought.room,
            room_name=brought.room_name,
            direct=brought.direct,
            received_at=NOW,
        )
        assert missed == brought
        assert shown.created_at == said.created_at.replace(
            microsecond=said.created_at.microsecond // 1000 * 1000
        )


async def test_bots_are_told_apart(place: Place) -> None:
    """The history says which messages are by bots."""
    await place.say("hi")
    await place.campfire.post(room=str(place.room.id), html="hello", key=place.ada.key)
    found = await place.campfire.history(room=str(place.room.id), key=place.ada.key)
    assert [(message.author.name, message.by_bot) for message in found or ()] == [
        ("Kim", False),
        ("Ada", True),
    ]


# -- answers that no Campfire should give ----------------------------------------------------------


class Clock:
    """A clock that a test moves."""

    now_s = 1000.0

    def __call__(self) -> float:
        """Return what it shows."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture
async def history(clock: Clock) -> AsyncIterator[History]:
    """Give the history of a Campfire that respx plays."""
    async with Wire(NO_CERTIFICATES) as wire:
        yield History(Api(BASE, wire), now_s=clock)


async def read(history: History, **anchor: str) -> tuple[RoomMessage, ...] | None:
    """Read a page of room 7."""
    return await history.page(room="7", key=KEY, **anchor)


@respx.mock
async def test_request(history: History) -> None:
    """A page is asked for as JSON, uncompressed, next to the message that is named."""
    route = respx.get(URL, params={"after": "9"}).respond(200, content=page())
    assert await read(history, after="9")
    headers = route.calls.last.request.headers
    assert (headers["accept"], headers["accept-encoding"]) == ("application/json", "identity")


@respx.mock
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "the body is not JSON"),
        (b"", "the body is not JSON"),
        (b"\xff", "the body is not UTF-8"),
        (b"{}", "it must be a list"),
        (page(creator__role=None), "creator.role is null"),
        (page(room__id=8), "another room's"),
    ],
)
async def test_not_a_page(history: History, body: bytes, words: str) -> None:
    """What cannot be read may be readable later, and the sentence says what is wrong."""
    respx.get(URL).respond(200, content=body)
    with pytest.raises(ChatUnavailable, match="history of room 7 cannot be read") as error:
        await read(history)
    assert words in str(error.value)
    assert error.value.__suppress_context__


@respx.mock
@pytest.mark.parametrize("status", [204, 206, 301, 400, 401, 403, 422, 451])
async def test_refused(history: History, status: int) -> None:
    """What is neither a page nor a failure that passes is refused, and speaks of reading."""
    respx.get(URL).respond(status)
    with pytest.raises(ChatRefused, match=f"reading room 7 was answered {status}"):
        await read(history)


@respx.mock
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_worth_another_try(history: History, status: int) -> None:
    """Failures that may pass say when to come back."""
    respx.get(URL).respond(status, headers={"Retry-After": "3"})
    with pytest.raises(ChatUnavailable, match=f"reading room 7 was answered {status}"):
        await read(history)


@respx.mock
@pytest.mark.parametrize(("kind", "fate"), FATES.items())
async def test_reading_can_be_repeated(history: History, kind: type[Exception], fate: Fate) -> None:
    """Nothing is uncertain about reading: what broke on the way may work later."""
    respx.get(URL).mock(side_effect=kind(f"for {URL}"))
    with pytest.raises(ChatError) as error:
        await read(history)
    expected = ChatRefused if fate is Fate.CANNOT_WORK else ChatUnavailable
    assert type(error.value) is expected
    assert error.value.__context__ is None
    assert kind.__name__ in str(error.value)


@respx.mock
async def test_body_that_breaks_off(history: History) -> None:
    """Half a page is none."""

    async def body() -> AsyncIterator[bytes]:
        yield page()[:50]
        raise httpx.ReadError("gone")

    respx.get(URL).mock(return_value=httpx.Response(200, content=body()))
    with pytest.raises(ChatUnavailable, match="did not answer in full"):
        await read(history)


@respx.mock
@pytest.mark.parametrize("status", [200, 503])
async def test_endless_body(history: History, status: int) -> None:
    """A body without end is left, whatever it belongs to."""

    async def body() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 100_000

    respx.get(URL).mock(return_value=httpx.Response(status, content=body()))
    with pytest.raises(ChatRefused if status == 200 else ChatUnavailable) as error:
        await read(history)
    assert ("over 8 MiB" if status == 200 else "503") in str(error.value)


@respx.mock
async def test_body_that_never_comes() -> None:
    """Reading a page has an end, however slowly it comes."""

    async def body() -> AsyncIterator[bytes]:
        yield b"["
        await anyio.sleep_forever()

    respx.get(URL).mock(return_value=httpx.Response(200, content=body()))
    async with Wire(NO_CERTIFICATES) as wire:
        slow = History(Api(BASE, wire, reading_timeout_s=0))
        with pytest.raises(ChatUnavailable, match="TimeoutError"):
            await read(slow)


@respx.mock
@pytest.mark.parametrize("status", [200, 302, 404, 418, 500])
async def test_key_is_never_told(
    history: History, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither log nor error holds the key, whatever reading is answered with."""
    caplog.set_level("DEBUG")
    respx.get(URL).respond(status, headers={"Location": URL} | NEW, text=URL)
    with pytest.raises(ChatError) as error:
        await read(history)
    assert KEY not in repr(error.value) + caplog.text


@respx.mock
async def test_absence_is_believed_for_minutes(history: History, clock: Clock) -> None:
    """Without history, some minutes pass before it is asked for again."""
    route = respx.get(URL).respond(404)
    assert await read(history) is None
    clock.now_s += REPROBE_S - 1
    assert await read(history) is None
    assert route.call_count == 1
    clock.now_s += 1
    route.respond(200, content=page())
    assert await read(history)
    assert route.call_count == 2


@respx.mock
async def test_failures_prove_nothing(history: History) -> None:
    """An outage, or a page that cannot be read, is not taken for absence or presence."""
    route = respx.get(URL)
    for status in (503, 200, 302):
        route.respond(status)
        with pytest.raises(ChatError):
            await read(history)
    route.respond(404)
    assert await read(history) is None


@respx.mock
async def test_proxy_that_hides_the_version(history: History, clock: Clock) -> None:
    """Once a page was read, a bare 404 refuses the room, until that knowledge is old."""
    route = respx.get(URL).respond(200, content=page())
    assert await read(history)
    route.respond(404)
    with pytest.raises(ChatRefused, match="reading room 7 was answered 404"):
        await read(history)
    clock.now_s += REPROBE_S
    assert await read(history) is None


@respx.mock
async def test_version_of_a_refused_room_is_kept(history: History) -> None:
    """A step back to a version without history is noticed by its headers."""
    route = respx.get(URL).respond(404, headers=NEW)
    with pytest.raises(ChatRefused):
        await read(history)
    route.respond(503, headers=OLD)
    with pytest.raises(ChatUnavailable):
        await read(history)
    route.respond(404)
    assert await read(history) is None


@respx.mock
async def test_same_page_again_and_again(history: History) -> None:
    """A server that does not know `after` is not asked for ever."""
    route = respx.get(URL).respond(200, content=page())
    found = await history.since(room="7", key=KEY, after="9", limit=1000)
    assert texts_of(found) == ["hi Ada"]
    assert route.call_count == 2


@respx.mock
async def test_search_for_a_removed_message_ends(history: History) -> None:
    """A removed message is looked for among the newest thousand, and no further."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "after" in request.url.params:
            return httpx.Response(404)
        newest = int(request.url.params.get("before", 100_001)) - 1
        return httpx.Response(
            200, json=[MESSAGE | {"id": newest - back} for back in range(39, -1, -1)]
        )

    route = respx.get(URL).mock(side_effect=answer)
    found = await read(history, after="9")
    assert [message.position for message in found or ()] == list(range(99_001, 99_041))
    assert route.call_count == 26


@respx.mock
async def test_removed_while_read(history: History) -> None:
    """When a second message goes while the first is looked for, it is worth another try."""
    respx.get(URL, params={"after": "9"}).respond(404)
    respx.get(URL, params={"before": "512"}).respond(404)
    respx.get(URL).respond(200, content=page())
    with pytest.raises(ChatUnavailable, match="removed while it was read"):
        await read(history, after="9")
