"""An agent without children, files without a disk, and a clock that a test turns."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.agent.compaction import Compaction
from bot.agent.line import Ticket
from bot.agent.reply import Reply
from bot.agent.start import Resume, Start
from bot.agent.transcript import Transcript
from bot.config.bot import Bot
from bot.errors import AgentError, AgentStartFailed, ConversationDied
from bot.records import SessionKey
from bot.records.prompts import SessionPrompts
from bot.sessions.files import SessionFile


class FakeConversation:
    """A conversation as `Sessions` and `Seat` use it."""

    def __init__(self, agent: "FakeAgent", bot: Bot, start: Start, ticket: Ticket) -> None:
        self.bot = bot
        self.start = start
        self.session_id = start.session_id
        self.usable = self.closing = self.died = self.silenced = False
        self.pid: int | None = None
        self.ticket = ticket
        self.on_cost: Callable[[float], None] = lambda _dollars: None
        #: How long it has not been heard.
        self.stuck_s = 0.0
        #: Whether it does not end when it is asked to, and whether it had to be killed.
        self.hangs = self.aborted = False
        self.ended = asyncio.Event()
        #: What the child has counted, over the whole session.
        self.cost_usd = agent.counted.get(start.session_id, 0.0)
        self._agent = agent
        self._asked = False
        self._ready = asyncio.Event()
        self._end: AgentError | None = None
        self._over = asyncio.Event()
        self._owner: asyncio.Task[object] | None = None

    async def run(self) -> None:
        """Own a child that is not there."""
        if self.closing:
            return
        self._owner = asyncio.current_task()
        self._agent.opened(self)
        try:
            await self._agent.boots.wait()
            self._end = self._agent.refusal(self.start)
            if self._end is None:
                self.usable, self.pid = True, self._agent.next_pid()
                self._ready.set()
                await self._over.wait()
                self.died = True
        finally:
            self.usable = False
            self._end = self._end or ConversationDied("closed")
            self._ready.set()
            await self._agent.leaves.wait()
            self._agent.gone(self)
            self.ended.set()

    async def opened(self) -> None:
        """Wait for the boot."""
        await self._ready.wait()
        if isinstance(self._end, ConversationDied):
            raise AgentStartFailed(str(self._end))
        if self._end is not None:
            raise self._end

    async def ask(
        self, text: str, *, prompt_uuid: str, timeout_s: float, silence_s: float
    ) -> Reply:
        """Answer what was asked, unless the agent is to fail."""
        assert silence_s > 0
        if not self.usable:
            raise ConversationDied("cannot be asked")
        assert not self._asked, "asked twice at once"
        self._agent.prompts.append((self.session_id, prompt_uuid))
        self._asked = True
        try:
            await self._agent.thinks.wait()
            self._fail()
        except asyncio.CancelledError:
            self.usable = False
            raise
        finally:
            self._asked = False
        self.cost_usd += 0.25
        self._agent.answered(self)
        self.on_cost(self.cost_usd)
        summed_up = isinstance(self.start, Compaction)
        return Reply(
            text=f"You said: {text}",
            first_token_s=None,
            duration_s=timeout_s,
            context_tokens=self._agent.context_tokens,
            compacted_to=self._agent.compacted_to if summed_up else None,
        )

    def _fail(self) -> None:
        """Fail as the test wants it, or because the child is gone."""
        failure = self._agent.failures.pop(0) if self._agent.failures else None
        if isinstance(failure, ConversationDied):
            self.die()
        if failure is not None or self._over.is_set():
            raise failure or ConversationDied("it died")

    async def hush(self) -> None:
        """Drop the prompt whose asker has gone, if that is what the agent's children do."""
        self.usable = self.usable or (self._agent.hushes and not self.closing)

    async def close(self) -> None:
        """End it."""
        self.usable = False
        if self._owner is None:
            self.closing = True
            self._ready.set()
            self.ended.set()
        elif not self.hangs and not self.closing and not self._over.is_set():
            self._owner.cancel()
        self.closing = True
        await self.ended.wait()

    def abort(self) -> None:
        """End at once, whatever it does."""
        self.usable, self.aborted = False, True
        self._over.set()
        if self._owner is not None:
            self._owner.cancel()

    def die(self) -> None:
        """End on its own."""
        self.usable = False
        self._over.set()


class FakeAgent:
    """An agent whose children and transcripts are only remembered."""

    def __init__(self) -> None:
        self.conversations: list[FakeConversation] = []
        #: Whether a child goes on after a prompt that nobody waits for any more.
        self.hushes = False
        #: The open ones, and the most there ever were at once.
        self.open: set[FakeConversation] = set()
        self.most_open = 0
        self.transcripts: dict[str, list[str]] = {}
        self.forgotten: list[str] = []
        #: Sessions that nobody keeps and that are gone; and why none can go.
        self.erased: list[str] = []
        self.unerasable: OSError | None = None
        self.prompts: list[tuple[str, str]] = []
        #: Raised by the next prompts, in order.
        self.failures: list[AgentError] = []
        #: Raised when these sessions are started.
        self.refusals: dict[str, AgentError] = {}
        self.refuse_all: AgentError | None = None
        #: Raised when a conversation is made.
        self.missing: AgentError | None = None
        self.boots_waiting = 0
        #: The sessions that were known at the start.
        self.tidied: list[str] = []
        #: Dollars that a resumed child begins with.
        self.counted: dict[str, float] = {}
        #: How long a conversation is, by every answer, and by a summary; None: that fails.
        self.context_tokens = 0
        self.compacted_to: int | None = 5_000
        self._pids = 0
        self.boots, self.thinks, self.leaves = (asyncio.Event() for _ in range(3))
        for gate in (self.boots, self.thinks, self.leaves):
            gate.set()

    def stir(self) -> None:
        """Take note of a turn."""

    def conversation(self, bot: Bot, start: Start, ticket: Ticket) -> FakeConversation:
        """Make a conversation."""
        if self.missing is not None:
            raise self.missing
        conversation = FakeConversation(self, bot, start, ticket)
        self.conversations.append(conversation)
        return conversation

    async def transcript(self, _bot: str, session_id: str) -> Transcript | None:
        """Read what was said in a session."""
        lines = self.transcripts.get(session_id)
        return None if lines is None else Transcript(lines)

    async def forget(self, _bot: str, session_id: str) -> None:
        """Forget a session."""
        assert all(c.session_id != session_id for c in self.open), "its child is still there"
        self.forgotten.append(session_id)
        self.transcripts.pop(session_id, None)

    async def erase(self, session_id: str) -> None:
        """Remove all that a session has left."""
        assert all(c.session_id != session_id for c in self.open), "its child is still there"
        if self.unerasable is not None:
            raise self.unerasable
        self.erased.append(session_id)

    async def tidy(self, known: Iterable[str]) -> None:
        """Take note of what is known."""
        self.tidied = list(known)

    def next_pid(self) -> int:
        """Return the process of a child that has booted."""
        self._pids += 1
        return self._pids

    @property
    def starts(self) -> list[Start]:
        """How the conversations began."""
        return [conversation.start for conversation in self.conversations]

    def opened(self, conversation: FakeConversation) -> None:
        """Remember a child."""
        assert all(c.session_id != conversation.session_id for c in self.open), "two children"
        self.open.add(conversation)
        self.most_open = max(self.most_open, len(self.open))

    def gone(self, conversation: FakeConversation) -> None:
        """Forget a child, and write down what it spent."""
        self.open.discard(conversation)
        self.counted[conversation.session_id] = conversation.cost_usd

    def answered(self, conversation: FakeConversation) -> None:
        """Put a turn into the transcript."""
        lines = self.transcripts.setdefault(conversation.session_id, [])
        lines.extend(turn(f"{conversation.session_id}-{len(lines)}", conversation.cost_usd))

    def refusal(self, start: Start) -> AgentError | None:
        """Return why a child does not start."""
        resumes = isinstance(start, Resume)
        return self.refuse_all or (self.refusals.get(start.session_id) if resumes else None)


def turn(uuid: str, cost_usd: float = 0.25) -> list[str]:
    """Return the lines of an answered prompt."""
    said = '"message":{"content":[],"stop_reason":"end_turn"}'
    return [
        f'{{"parentUuid":"before","uuid":"{uuid}","type":"user","promptSource":"sdk"}}',
        f'{{"parentUuid":"{uuid}","uuid":"{uuid}-answer","type":"assistant",{said}}}',
        f'{{"type":"cost-state","totalCostUSD":{cost_usd}}}',
    ]


class FakeSamples:
    """What the children take, as the test wants it."""

    def __init__(self) -> None:
        #: By process; others take 100.
        self.sizes: dict[int, int] = {}
        self.looked_at: list[int] = []

    async def look(self, pids: Collection[int]) -> None:
        """Take note of who was looked at."""
        self.looked_at = list(pids)

    def bytes_of(self, pid: int) -> int | None:
        """Return what a child takes."""
        return self.sizes.get(pid, 100)

    def total_bytes(self, pids: Iterable[int | None]) -> int:
        """Return what children take together; one that boots takes 100, too."""
        return sum(self.sizes.get(pid, 100) if pid is not None else 100 for pid in pids)


class MemoryFiles:
    """Session files without a disk."""

    def __init__(self) -> None:
        self.kept: dict[SessionKey, SessionFile] = {}
        #: What was done, in order.
        self.writes: list[SessionFile] = []
        self.error: OSError | None = None
        #: Set before a write returns.
        self.disk = asyncio.Event()
        self.disk.set()

    def scan(self) -> tuple[list[SessionFile], list[tuple[str, str]]]:
        """Return all."""
        return list(self.kept.values()), [("session_bad.json", "not JSON")]

    async def write(self, file: SessionFile) -> None:
        """Keep a file."""
        await self.disk.wait()
        self._fail()
        self.writes.append(file)
        self.kept[file.key] = file

    async def delete(self, key: SessionKey) -> None:
        """Drop a file."""
        await self.disk.wait()
        self._fail()
        self.kept.pop(key, None)

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


class FakePrompts:
    """The journal's knowledge of prompts."""

    def __init__(self) -> None:
        self.owed: set[str] = set()
        #: Newest first.
        self.answered: list[str] = []
        self.in_vain: set[str] = set()

    async def prompts(self, _session_id: str) -> SessionPrompts:
        """Return what was sent."""
        return SessionPrompts(
            owed=frozenset(self.owed),
            answered=tuple(self.answered),
            in_vain=frozenset(self.in_vain),
        )


class Clock:
    """The time, as the test wants it."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.at

    def forward(self, **by: float) -> datetime:
        """Let time pass."""
        self.at += timedelta(**by)
        return self.at


def file_of(key: SessionKey, at: datetime, **fields: object) -> SessionFile:
    """Return a session file of one answered turn."""
    file = SessionFile(
        key=key,
        session_id="5c6ad9c2-4bd9-4c46-bd0b-f8b1cbbf9c0d",
        created_at=at,
        last_used=at,
        turns=1,
    )
    return replace(file, **fields)  # type: ignore[arg-type]  # whatever a test wants to change
