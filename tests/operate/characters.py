"""The bots, the room and the sessions that the operator's tests look at."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.config.bot import AgentRules, Bot, McpServer, SessionRules, TurnRules
from bot.records import Credentials, Message, MessageKind, Person
from bot.sessions.statistics import SessionsStatistics, SessionStatistics, Warmth

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WATERCOOLER = "7"
LANE = "campfire/7"
KIM = Person(id="1", name="Kim")


class Clock:
    """A clock that moves when the test says so."""

    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        """Read it."""
        return self.moment

    def seconds(self) -> float:
        """Read it as seconds since the epoch."""
        return self.moment.timestamp()

    def pass_(self, seconds: float) -> None:
        """Let time go by."""
        self.moment += timedelta(seconds=seconds)


def make_bot(
    bot_id: str = "ada",
    *,
    key: str = "4-adaAdaAda123",
    webhook_secret: str | None = None,
    servers: tuple[McpServer, ...] = (),
    ttl_s: float = 3600.0,
) -> Bot:
    """Give a bot as its file would make it."""
    return Bot(
        id=bot_id,
        name=bot_id.title(),
        platform="campfire",
        credentials=Credentials(bot=bot_id, key=key, webhook_secret=webhook_secret),
        model="claude-test",
        system_prompt="",
        session=SessionRules(scope="room", ttl_s=ttl_s),
        turn=TurnRules(timeout_s=60.0, when_busy="queue", lane="room"),
        agent=AgentRules(
            thinking="off",
            max_turns=5,
            max_budget_usd=None,
            max_output_tokens=None,
            fallback_model=None,
            tools=(),
            user=None,
            mcp_servers=servers,
            mcp_tools=None,
            tools_from=(),
        ),
    )


class FakeRoster:
    """The bots, without files."""

    def __init__(self, *bots: Bot) -> None:
        self.bots: Mapping[str, Bot] = {bot.id: bot for bot in bots}
        self.retiring: Mapping[str, Bot] = {}

    def serving(self, bot_id: str) -> Bot | None:
        """Find a bot, retiring ones too."""
        return self.bots.get(bot_id) or self.retiring.get(bot_id)

    def drop(self, bot_id: str) -> None:
        """Forget a retiring bot."""
        self.retiring = {id_: bot for id_, bot in self.retiring.items() if id_ != bot_id}

    def remove_file(self, bot_id: str) -> None:
        """Let a bot retire."""
        self.retiring = {**self.retiring, bot_id: self.bots[bot_id]}
        self.bots = {id_: bot for id_, bot in self.bots.items() if id_ != bot_id}


def make_message(number: int = 1, *, bot: str = "ada", room: str = WATERCOOLER) -> Message:
    """Give what Kim says."""
    return Message(
        platform="campfire",
        bot=bot,
        room=room,
        room_name="Watercooler",
        direct=False,
        id=str(number),
        position=number,
        author=KIM,
        kind=MessageKind.TEXT,
        text="What is new?",
        html="<p>What is new?</p>",
        received_at=NOON,
    )


def make_session(
    room: str = WATERCOOLER,
    *,
    bot: str = "ada",
    state: Warmth = Warmth.WARM,
    used_s_ago: float = 0.0,
    busy: bool = False,
) -> SessionStatistics:
    """Give one session as the sessions show it."""
    return SessionStatistics(
        room=room,
        bot=bot,
        user=None,
        session_id="5a3c1b1e-0000-4000-8000-000000000000",
        state=state,
        last_path=None,
        turns=3,
        created_at=NOON - timedelta(hours=5),
        last_used=NOON - timedelta(seconds=used_s_ago),
        memory_bytes=100 if state is Warmth.HOT else None,
        cost_usd=0.25 + 1e-12,  # as sums of prices come out
        busy=busy,
    )


def make_statistics(
    *sessions: SessionStatistics, hot_limit: int = 4, lost: int = 0, died: int = 0
) -> SessionsStatistics:
    """Give the statistics of *sessions*."""
    return SessionsStatistics(
        sessions=sessions,
        hot=sum(session.state is Warmth.HOT for session in sessions),
        hot_limit=hot_limit,
        hits={Warmth.HOT: 5, Warmth.SPARE: 7, Warmth.COLD: 1},
        lost=lost,
        evicted=2,
        died=died,
        spares=1,
        boots=9,
        boots_waiting=3,
        recycled=4,
        compactions=6,
        silenced=6,
        memory_bytes=1000,
        memory_budget_bytes=2000,
    )
