"""Who speaks in the tests of the rooms, and the fakes that stand around them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.agent.reply import Listener, Nobody, Reply
from bot.config.bot import AgentRules, Bot, SessionRules, TurnRules
from bot.errors import ChatError, JournalUnavailable
from bot.journal import Journal, open_journal
from bot.records import Credentials, Entry, Message, MessageKind, Person, RoomMessage, SessionKey
from bot.records.file import File
from bot.sessions.statistics import Warmth

KIM = Person(id="7", name="Kim")
LEE = Person(id="8", name="Lee")
ADA = Person(id="9", name="Ada")
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
LANE = "campfire/42"


def a_bot(bot_id: str = "ada", *, scope: str = "room", timeout_s: float = 60.0) -> Bot:
    """Return Ada, or another bot, as a file with nothing special in it gives her."""
    return Bot(
        id=bot_id,
        name=bot_id.capitalize(),
        platform="campfire",
        credentials=Credentials(bot=bot_id, key="9-abcdefghijkl"),
        model="claude-sonnet-4-5",
        system_prompt="You are Ada.",
        session=SessionRules(scope=scope, ttl_s=3600.0),
        turn=TurnRules(timeout_s=timeout_s, when_busy="queue", lane="room"),
        agent=AgentRules(
            thinking="off",
            max_turns=20,
            max_budget_usd=None,
            max_output_tokens=None,
            fallback_model=None,
            tools=(),
            user=None,
            mcp_servers=(),
            mcp_tools=None,
            tools_from=(),
        ),
    )


def said(
    text: str = "What is new?",
    *,
    number: int = 1,
    author: Person = KIM,
    kind: MessageKind = MessageKind.TEXT,
    room_name: str | None = "Watercooler",
    bot: str = "ada",
    off_record: bool = False,
) -> Message:
    """Let somebody say something in the Watercooler."""
    return Message(
        platform="campfire",
        bot=bot,
        room="42",
        room_name=room_name,
        direct=room_name is None,
        id=str(number),
        position=number,
        author=author,
        kind=kind,
        text=text,
        html=None,
        received_at=NOON,
        off_record=off_record,
    )


class Clock:
    """A clock that moves when somebody sleeps by it."""

    def __init__(self) -> None:
        self.seconds = NOON.timestamp()
        #: How long was slept each time.
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Read it."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Let time go by."""
        self.slept.append(seconds)
        self.seconds += seconds


@asynccontextmanager
async def a_journal(folder: Path, clock: Callable[[], float]) -> AsyncIterator[Journal]:
    """Open a real journal."""
    async with open_journal(folder / "journal.db", node="hearth-1", now=clock) as journal:
        yield journal


async def accepted(journal: Journal, message: Message) -> Entry:
    """Have *message* accepted; return the head of its lane."""
    await journal.accept(message, lane=LANE)
    head = await journal.head(LANE)
    assert head is not None
    return head


class Interrupted:
    """A journal whose writes fail when a test says so; all else is the real one's."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        #: How often each of these fails from now on.
        self.failing: dict[str, int] = {}

    def __getattr__(self, name: str) -> object:
        """Give a method that fails as often as it shall, and is the journal's then."""
        method = getattr(self._journal, name)

        async def call(*args: object, **named: object) -> object:
            if self.failing.get(name):
                self.failing[name] -= 1
                raise JournalUnavailable("journal.db", "disk full")
            return await method(*args, **named)

        return call


@dataclass
class FakeChat:
    """A platform that keeps what was posted, after the failures it was given."""

    #: What becomes of the next posts: an error, or the id of the message.
    fates: list[Exception | str] = field(default_factory=list)
    #: All that was tried.
    tried: list[str] = field(default_factory=list)
    #: What stands in the room.
    room: list[str] = field(default_factory=list)
    #: What is read there next, before it is as it stands: an error, or a look of its own.
    looks: list[Exception | Sequence[RoomMessage]] = field(default_factory=list)
    #: What others have said there; None: nobody can read the room.
    history: list[RoomMessage] | None = None
    #: What comes with every message, or why it cannot be had.
    given: tuple[File, ...] | Exception = ()
    #: After which message the room was read, each time.
    read: list[str] = field(default_factory=list)
    #: Whether bots can change what they have posted.
    editable: bool = True
    #: What was changed: "edit 101 <p>…</p>", "remove 101", "react 1 👀"; each after its fate.
    changes: list[str] = field(default_factory=list)
    #: What becomes of the next changes: an error, or None.
    change_fates: list[Exception | None] = field(default_factory=list)

    def render(self, markdown: str) -> tuple[str, ...]:
        """Make a message of each line."""
        return tuple(f"<p>{line}</p>" for line in markdown.splitlines() or [""])

    def naming(self, html: str, people: Sequence[Person]) -> str:
        """Begin with names."""
        named = "".join(f"@{person.name} " for person in people)
        return f"<p>{named}{html.removeprefix('<p>')}"

    async def post(self, *, room: str, html: str, key: str) -> str | None:
        """Post, or fail."""
        assert (room, key) == ("42", "9-abcdefghijkl")
        self.tried.append(html)
        fate = self.fates.pop(0) if self.fates else str(100 + len(self.tried))
        if isinstance(fate, Exception):
            raise fate
        self.room.append(html)
        return fate

    async def post_file(self, *, room: str, file: File, key: str) -> str | None:
        """Post a file, which the room shows by its name and content."""
        return await self.post(room=room, html=f"{file.name}: {file.content.decode()}", key=key)

    async def files(self, message: Message, *, key: str) -> tuple[File, ...]:
        """Give what came with the message, or fail."""
        assert (message.room, key) == ("42", "9-abcdefghijkl")
        if isinstance(self.given, Exception):
            raise self.given
        return self.given

    async def edit(self, *, room: str, message: str, html: str, key: str) -> None:
        """Edit, or fail."""
        assert (room, key) == ("42", "9-abcdefghijkl")
        self._change(f"edit {message} {html}")

    async def remove(self, *, room: str, message: str, key: str) -> None:
        """Remove, or fail."""
        assert (room, key) == ("42", "9-abcdefghijkl")
        self._change(f"remove {message}")

    async def react(self, *, room: str, message: str, reaction: str, key: str) -> bool:
        """React, or fail."""
        assert (room, key) == ("42", "9-abcdefghijkl")
        self._change(f"react {message} {reaction}")
        return self.can_react()

    async def can_edit(self, *, room: str) -> bool:
        """Tell what bots can do."""
        assert room == "42"
        return self.editable

    def can_react(self) -> bool:
        """Tell what bots can do."""
        return self.editable

    def _change(self, change: str) -> None:
        fate = self.change_fates.pop(0) if self.change_fates else None
        if fate is not None:
            raise fate
        self.changes.append(change)

    async def history_since(
        self, room: str, key: str, after: str, *, limit: int
    ) -> tuple[RoomMessage, ...] | None:
        """Read, or fail."""
        assert (room, key) == ("42", "9-abcdefghijkl")
        self.read.append(after)
        look = self.looks.pop(0) if self.looks else self.history
        if isinstance(look, Exception):
            raise look
        if look is None:
            return None
        return tuple(m for m in look if m.position > int(after))[:limit]

    def author_of(self, key: str) -> str:
        """Know Ada by her key."""
        return key.partition("-")[0]


@dataclass
class FakePage:
    """The newest page of the room, for whoever wants to know who is in it."""

    #: None: nobody can read the room.
    messages: Sequence[RoomMessage] | ChatError | None = None
    #: How often it was read.
    reads: int = 0

    async def history(
        self, *, room: str, key: str, after: str | None = None, before: str | None = None
    ) -> tuple[RoomMessage, ...] | None:
        """Read, or fail."""
        assert (room, key, after, before) == ("42", "9-abcdefghijkl", None, None)
        self.reads += 1
        if isinstance(self.messages, ChatError):
            raise self.messages
        return None if self.messages is None else tuple(self.messages)


def in_room(html: str, number: int, *, author: Person = ADA) -> RoomMessage:
    """Return a message as the room's history shows it."""
    return RoomMessage(
        id=str(number),
        position=number,
        author=author,
        by_bot=author is ADA,
        html=html,
        plain=html,
        created_at=NOON,
    )


class FakeRoster:
    """The bots that are configured."""

    def __init__(self, *bots: Bot) -> None:
        self._bots = {bot.id: bot for bot in bots}

    def serving(self, bot_id: str) -> Bot | None:
        """Find a bot."""
        return self._bots.get(bot_id)


async def at_once(_listener: Listener) -> None:
    """Answer without a pause."""


@dataclass
class FakeSeat:
    """A place in a session whose answers are known beforehand."""

    session_id: str
    path: Warmth
    unheard: int
    answers: list[Exception | str]
    #: The prompts that were sent: uuid and text.
    prompts: list[tuple[str, str]]
    #: What happens before the answer is there.
    think: Callable[[Listener], Awaitable[None]]
    recapped: bool = False

    async def ask(
        self,
        text: str,
        *,
        prompt_uuid: str,
        timeout_s: float,
        silence_s: float,
        listener: Listener,
    ) -> Reply:
        """Answer the next thing."""
        assert min(timeout_s, silence_s) > 0
        await self.think(listener)
        self.prompts.append((prompt_uuid, text))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Reply(text=answer, first_token_s=0.1, duration_s=0.2)


class FakeSessions:
    """Sessions that always have a seat."""

    def __init__(self, *answers: Exception | str, path: Warmth = Warmth.HOT) -> None:
        self.path = path
        #: How many answers the agent has missed.
        self.unheard = 0
        self.answers = list(answers)
        self.prompts: list[tuple[str, str]] = []
        self.keys: list[SessionKey] = []
        #: What happens before an answer is there.
        self.think: Callable[[Listener], Awaitable[None]] = at_once
        #: Turns that were told a recap, and such that nobody keeps.
        self.recapped = self.unkept = 0

    def at_rest(self, key: SessionKey) -> str | None:
        """Name a session that could be asked at once."""
        assert key.room
        return "a-session" if self.path is Warmth.HOT else None

    @asynccontextmanager
    async def seat(
        self, bot: Bot, key: SessionKey, *, asked_at: datetime, lane: str
    ) -> AsyncIterator[FakeSeat]:
        """Give a seat."""
        assert lane == LANE
        assert bot.id == key.bot
        assert asked_at.tzinfo is not None
        self.keys.append(key)
        seat = FakeSeat(
            "a-session", self.path, self.unheard, self.answers, self.prompts, self.think
        )
        yield seat
        self.recapped += seat.recapped

    @asynccontextmanager
    async def aside(self, bot: Bot, key: SessionKey) -> AsyncIterator[FakeSeat]:
        """Give a seat beside the session."""
        assert bot.id == key.bot
        self.unkept += 1
        yield FakeSeat("no-session", Warmth.COLD, 0, self.answers, self.prompts, self.think)


class FakeTranscript:
    """What a session's transcript says, by the prompt."""

    def __init__(self, answers: dict[str, str]) -> None:
        self._answers = answers

    def answer_to(self, prompt_uuid: str) -> str | None:
        """Look an answer up."""
        return self._answers.get(prompt_uuid)


class FakeAgent:
    """Transcripts, and nothing else."""

    def __init__(self) -> None:
        #: What is known after which prompt.
        self.answers: dict[str, str] = {}
        #: Sessions whose transcript was read.
        self.read: list[str] = []

    async def transcript(self, bot: str, session_id: str) -> FakeTranscript | None:
        """Read a transcript."""
        assert bot
        self.read.append(session_id)
        return FakeTranscript(self.answers) if self.answers else None


class FakeShowing(Nobody):
    """A turn that nobody sees before it ends."""

    def __init__(self, progress: "FakeProgress", group: asyncio.TaskGroup) -> None:
        self._progress = progress
        self._group = group

    def beside(self, work: Coroutine[None, None, None]) -> None:
        """Do something that belongs to the turn."""
        self._group.create_task(work)

    @property
    def blank(self) -> bool:
        """Whether there is nothing."""
        return self._progress.blank

    async def give_way(self) -> str | None:
        """Let the answer take the place of what there is."""
        return self._progress.placeholder


class FakeProgress:
    """Shows nothing, but for a placeholder that is there already."""

    def __init__(self) -> None:
        self.placeholder: str | None = None
        #: Whether it is not yet seen.
        self.blank = True
        #: Messages that were looked after.
        self.looked: list[int] = []

    def expect(self) -> None:
        """Show nothing of what waits."""

    @asynccontextmanager
    async def shown(self, entry: Entry, bot: Bot) -> AsyncIterator[FakeShowing]:
        """Run a turn."""
        assert entry.message.bot == bot.id
        try:
            async with asyncio.TaskGroup() as group:
                yield FakeShowing(self, group)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    def look(self, entry: Entry) -> None:
        """Take note."""
        self.looked.append(entry.seq)
