import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from inspect import signature
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from bot.errors import JournalError, JournalUnavailable, Malformed, NotAuthentic, TooMany
from bot.journal import Journal
from bot.records import Acceptance, Credentials, Ignored, Message
from bot.web.webhook import Webhook
from tests.journal.engines import SqliteEngine, busy
from tests.operate.characters import LANE, FakeRoster, make_bot, make_message
from tests.web.asgi import Answer, ask

Landing = asyncio.Future[Acceptance]


class Bots(FakeRoster):
    """The roster, asked as deliveries do."""

    def get(self, bot_id: str) -> object:
        """Find a bot that takes deliveries."""
        return self.bots.get(bot_id)


class Platform:
    """Reads every body as the same message, unless something else is set."""

    def __init__(self) -> None:
        self.found: Message | Ignored | Exception = make_message()
        self.secrets: list[str | None] = []

    def read(
        self, body: bytes, *, credentials: Credentials, secret: str | None, received_at: datetime
    ) -> Message | Ignored:
        """Return or raise what is set."""
        assert (body, credentials.bot) == (b"{}", "ada")
        assert received_at.tzinfo is not None
        self.secrets.append(secret)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


class Inbox:
    """A journal whose commits land when the test says so."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.landings: asyncio.Queue[Landing] = asyncio.Queue()
        self.told: Callable[[str], None] | None = None
        #: How many messages the platform has to be asked for.
        self.missing = 0

    def lost(self) -> None:
        """Note that one is missing."""
        self.missing += 1

    def on_new(self, tell: Callable[[str], None]) -> None:
        """Note who wants to hear of new messages."""
        self.told = tell

    def accept(self, message: Message, *, lane: str) -> Landing:
        """Promise a commit."""
        assert (message, lane) == (make_message(), LANE)
        if self.refusal is not None:
            raise self.refusal
        landing: Landing = asyncio.get_running_loop().create_future()
        self.landings.put_nowait(landing)
        return landing


class OnDisk(Inbox):
    """A real journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.on_new = journal.on_new
        self.accept = journal.accept


class Counted(Counter[str]):
    """What was counted of deliveries."""

    def refused(self, reason: str) -> None:
        """Count a refusal."""
        self[f"refused {reason}"] += 1

    def ignored(self, why: str) -> None:
        """Count a delivery that asks for nothing."""
        self[f"ignored {why}"] += 1

    def repeated(self) -> None:
        """Count a repeated delivery."""
        self["repeated"] += 1


Way = Callable[[Webhook], Awaitable[Answer]]


async def hand_in(app: Webhook) -> Answer:
    """Send a delivery the short way."""
    answered: asyncio.Future[HTTPStatus] = asyncio.get_running_loop().create_future()
    app.take("ada", b"", b"{}", answered.set_result)
    return Answer(status=await answered, headers={}, body=b"")


@pytest.fixture(params=[ask, hand_in])
def way(request: pytest.FixtureRequest) -> Way:
    """Go both ways to the route."""
    chosen: Way = request.param
    return chosen


class Route:
    """The route over fakes."""

    def __init__(self, way: Way = ask, *, record_s: float = 60, inbox: Inbox | None = None) -> None:
        self._way = way
        self.platform = Platform()
        self.inbox = Inbox()
        self.counted = Counted()
        self.enqueued: list[str] = []
        self.app = Webhook(
            Bots(make_bot()),  # type: ignore[arg-type] # a fake gives what a roster would
            {"campfire": self.platform},
            inbox or self.inbox,
            self.counted,
            enqueue=self.enqueued.append,
            record_s=record_s,
        )

    async def deliver(self, landing: Acceptance | Exception | None = None) -> Answer:
        """Deliver to Ada; with *landing*, that becomes of the commit."""
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self._way(self.app), name="deliver")
            if landing is not None:
                commit = await self.inbox.landings.get()
                assert not asking.done()
                if isinstance(landing, Exception):
                    commit.set_exception(landing)
                else:
                    commit.set_result(landing)
        return asking.result()


async def test_a_new_message_is_acknowledged_once_it_is_on_disk(way: Way) -> None:
    """204 comes after the commit; its lane is told by the journal."""
    route = Route(way)
    answer = await route.deliver(Acceptance.NEW)
    assert (answer.status, answer.headers, answer.body) == (204, {}, b"")
    assert route.inbox.told == route.enqueued.append
    assert not route.counted


def test_the_platform_is_answered_before_it_complains() -> None:
    """Campfire says so in the room after seven seconds."""
    record_s = signature(Webhook).parameters["record_s"].default
    assert record_s == 5.0


async def test_a_repeated_message_is_counted(way: Way) -> None:
    """It is acknowledged and counted, and whoever looks closely sees which one it was."""
    route = Route(way)
    with capture_logs() as logs:
        assert (await route.deliver(Acceptance.REPEATED)).status == 204
    assert route.counted == {"repeated": 1}
    assert logs == [
        {"event": "delivery_repeated", "log_level": "debug", "bot": "ada", "message": "1"}
    ]


async def test_what_asks_for_nothing_is_not_recorded(way: Way) -> None:
    """It is acknowledged and counted by its reason."""
    route = Route(way)
    route.platform.found = Ignored(why="own_message")
    assert (await route.deliver()).status == 204
    assert route.inbox.landings.empty()
    assert route.counted == {"ignored own_message": 1}


@pytest.mark.parametrize(
    ("error", "status"), [(Malformed("x"), 400), (NotAuthentic("x"), 401), (TooMany("x"), 429)]
)
async def test_a_refusal_is_a_status(way: Way, error: Exception, status: int) -> None:
    """Each kind has its status, its count and one line."""
    route = Route(way)
    route.platform.found = error
    with capture_logs() as logs:
        answer = await route.deliver()
    assert (answer.status, answer.is_silent) == (status, True)
    assert route.counted == {f"refused {type(error).__name__}": 1}
    (line,) = logs
    assert (line["event"], line["why"], line["bot"]) == ("delivery_refused", "x", "ada")


@pytest.mark.parametrize("error", [JournalUnavailable("j", "disk full"), JournalError("broken")])
async def test_a_commit_that_fails_is_not_acknowledged(way: Way, error: JournalError) -> None:
    """The caller gets 503."""
    route = Route(way)
    answer = await route.deliver(error)
    assert (answer.status, answer.is_silent) == (503, True)
    assert route.counted == {"refused NotRecorded": 1}
    assert route.inbox.missing == 1


async def test_a_journal_that_is_closed_is_not_a_bug(way: Way) -> None:
    """What it refuses at once is a refusal like any other."""
    route = Route(way)
    route.inbox.refusal = JournalUnavailable("j", "it is closed")
    assert (await route.deliver()).status == 503


async def test_a_late_commit_is_not_acknowledged(way: Way) -> None:
    """The caller gets 503 in time, whatever becomes of the commit."""
    route = Route(way, record_s=0)
    assert (await route.deliver()).status == 503
    assert route.counted == {"refused NotRecorded": 1}


async def test_a_row_that_lands_too_late_is_answered(way: Way, tmp_path: Path) -> None:
    """The caller was refused in time; the message is on disk all the same, and its lane told."""
    async with SqliteEngine(tmp_path / "journal.db").open() as journal:
        route = Route(record_s=0, inbox=OnDisk(journal))
        async with busy(journal._writer):
            assert (await way(route.app)).status == 503
            assert route.enqueued == []
        assert (await journal.tally()).open == 1
        assert route.enqueued == [LANE]


async def test_a_caller_that_goes_away_leaves_its_message(tmp_path: Path) -> None:
    """What is on its way to the disk is answered, whoever still listens."""
    async with SqliteEngine(tmp_path / "journal.db").open() as journal:
        route = Route(inbox=journal)
        async with busy(journal._writer):
            asking = asyncio.create_task(ask(route.app), name="deliver")
            await anyio.wait_all_tasks_blocked()
            asking.cancel()
        assert (await journal.tally()).open == 1
        assert route.enqueued == [LANE]


async def test_a_bug_is_silent_and_heard() -> None:
    """The caller gets 500 and nothing else, and the bug travels on."""
    route = Route()
    route.platform.found = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await ask(route.app)
    assert not route.counted


async def test_a_bug_on_the_short_way_is_silent_and_heard() -> None:
    """Likewise."""
    route = Route()
    route.platform.found = ZeroDivisionError()
    answers: list[HTTPStatus] = []
    with pytest.raises(ZeroDivisionError):
        route.app.take("ada", b"", b"{}", answers.append)
    assert answers == [HTTPStatus.INTERNAL_SERVER_ERROR]
    assert not route.counted


async def test_an_unknown_bot_on_the_short_way() -> None:
    """It is refused like any other."""
    route = Route()
    answers: list[HTTPStatus] = []
    route.app.take("bo", b"", b"{}", answers.append)
    assert answers == [HTTPStatus.NOT_FOUND]
    assert route.counted == {"refused UnknownBot": 1}


async def test_a_body_that_is_not_complete_is_refused() -> None:
    """Whoever set the platform up finds it in the log, whichever way it came."""
    route = Route()
    route.app.lose("ada")
    with capture_logs() as logs:
        await ask(route.app, hang_up=True)
        route.app.lose("ada")
    assert route.counted == {"refused Malformed": 3}
    assert logs[0] == logs[1]


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/webhook/bo", "POST", 404), ("/webhook/", "POST", 404), ("/webhook/ada", "GET", 405)],
)
async def test_wrong_places_and_methods(path: str, method: str, status: int) -> None:
    """They are refused before anything is read; the method that works is named."""
    answer = await ask(Route().app, path, method, hang_up=True)
    assert (answer.status, answer.is_silent) == (status, True)
    assert answer.headers.get(b"allow") == (b"POST" if status == 405 else None)


@pytest.mark.parametrize(
    ("query", "secret"),
    [
        (b"", None),
        (b"x=1", None),
        (b"secret=", None),
        (b"secret=a+b%26%C3%A9&secret=c", "a b&\u00e9"),
        (b"t=1&secret=a", "a"),
        (b"my_secret=a", None),
        (b"secret=%ff", "\ufffd"),
    ],
)
async def test_the_secret_in_the_address(query: bytes, secret: str | None) -> None:
    """It is read as a form writes it; a repeated one counts once."""
    route = Route()
    route.platform.found = Ignored(why="unknown_type")
    await ask(route.app, query=query)
    assert route.platform.secrets == [secret]
