"""What must not be lost: messages, attempts, replies, counters and the history of the rooms."""

from bot.journal.journal import Journal, open_journal
from bot.journal.store import FILE
from bot.journal.views import DeadLetter, Expired, JournalStatistics, WaitingLane

__all__ = [
    "FILE",
    "DeadLetter",
    "Expired",
    "Journal",
    "JournalStatistics",
    "WaitingLane",
    "open_journal",
]
