"""A server that dies at a chosen point: run by the crash tests as a process of its own.

``python -m tests.journal.victim <file> <point>``. It prints the id of each message that it
would have acknowledged, and ends by SIGKILL.
"""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

from bot.journal import Journal, inbox, open_journal
from bot.records import Entry, Outcome, PartKind
from tests.journal.engines import LANE, said


def die(*_: object) -> None:
    """End as in a power cut: no handler, no cleanup."""
    os.kill(os.getpid(), signal.SIGKILL)


async def acknowledge(journal: Journal, number: int) -> None:
    """Accept a message and say so, as the webhook's 204 would."""
    await journal.accept(said(number=number), lane=LANE)
    os.write(1, f"{number}\n".encode())


async def before_the_commit(journal: Journal) -> None:
    """Die with a second message in the transaction."""
    await acknowledge(journal, 1)

    def operation(db: sqlite3.Connection) -> None:
        inbox.accept(db, [(said(number=2), LANE)], node="hearth-1", at=0)
        die()

    await journal._writer.write(operation)


async def storm(journal: Journal) -> None:
    """Die while many messages are being accepted at once."""

    async def deliver(first: int) -> None:
        for number in range(first, 400, 40):
            await acknowledge(journal, number)
            if number >= 200:
                die()

    await asyncio.gather(*(deliver(first) for first in range(40)))


async def accepted(journal: Journal) -> Entry:
    """Accept one message."""
    await acknowledge(journal, 1)
    entry = await journal.head(LANE)
    assert entry is not None
    return entry


async def in_a_turn(journal: Journal) -> None:
    """Die while the agent thinks."""
    await journal.start_attempt(
        await accepted(journal), session_id="s", prompt_uuid="p", alone=True
    )
    die()


async def between_parts(journal: Journal) -> None:
    """Die when one part stands in the room and the next is about to leave."""
    entry = await accepted(journal)
    first, second = await journal.freeze(
        entry,
        ["One.", "Two."],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="One. Two.",
    )
    await journal.mark_posted(first, remote_id="100")
    await journal.mark_sending(second)
    die()


async def after_the_end(journal: Journal) -> None:
    """Die right after a message was settled."""
    await journal.settle(await accepted(journal), outcome=Outcome.TOLD, reason="over a limit")
    die()


POINTS = {
    point.__name__: point
    for point in (before_the_commit, storm, in_a_turn, between_parts, after_the_end)
}


async def main(path: str, point: str) -> None:
    """Live until *point*."""
    async with open_journal(Path(path), node="hearth-1") as journal:
        await journal.take_rooms()
        await POINTS[point](journal)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
