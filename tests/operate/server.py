"""A server as the pages see it."""

from collections.abc import Callable
from typing import Any

from bot.journal import Journal
from bot.operate.admin import AdminToken
from bot.operate.dead_letters import DeadLetterPages
from bot.operate.lapse import Lapse
from bot.operate.letters import DeadLetters
from bot.operate.metrics import Metrics
from bot.operate.pages import QueuePages, ServerPages, SessionPages, build_pages
from bot.operate.readiness import Readiness
from bot.operate.redaction import Redaction
from bot.operate.upkeep import session_ttl
from bot.records import Entry
from bot.sessions.statistics import SessionsStatistics
from tests.operate.characters import Clock, FakeRoster, make_bot, make_statistics

TOKEN = "a-token-of-the-operator"
SECRET = "4-adaAdaAda123"


class Server:
    """What the pages show, and may be changed by a test."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.journal = journal
        self.clock = clock
        self.roster = FakeRoster(make_bot("ada"), make_bot("bo", ttl_s=60))
        self.sessions: SessionsStatistics = make_statistics()
        self.running: dict[str, Entry] = {}
        self.ended: dict[str, int] = {}
        self.startable = True
        self.token = AdminToken(TOKEN)
        #: Lanes that were told of work.
        self.enqueued: list[str] = []
        self.redact = Redaction(lambda: (SECRET,))
        lapse = Lapse(lambda: self.sessions, ttl_s=session_ttl(self.roster, 100.0), now=self.clock)
        self.statistics = lapse.statistics
        self.metrics = Metrics(journal, self.statistics, version="1")

    def pages(self) -> Callable[..., Any]:
        """Give the application."""
        readiness = Readiness(
            self.journal,
            bots=lambda: len(self.roster.bots),
            agent=lambda: self.startable,
            draining=lambda: False,
        )
        sessions = SessionPages(
            self.statistics,
            self.journal,
            serving=self.roster.serving,
            ttl_s=session_ttl(self.roster, 100.0),
            agent=lambda: self.startable,
            now=self.clock,
        )
        return build_pages(
            ServerPages(readiness, self.metrics),
            sessions,
            QueuePages(self.journal, self, now=self.clock),
            DeadLetterPages(
                DeadLetters(self.journal, enqueue=self.enqueued.append, redact=self.redact)
            ),
            token=self.token,
        )
