import asyncio
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.records import Acceptance, AttemptState, Outcome, PartState
from tests.journal.engines import LANE, SqliteEngine, said


@pytest.fixture
def engine(tmp_path: Path) -> SqliteEngine:
    """Give the journal on a real file, which a process of its own writes and leaves."""
    return SqliteEngine(tmp_path / "journal.db")


async def crash(engine: SqliteEngine, point: str) -> list[str]:
    """Let a server die at *point*; return the messages that it acknowledged."""
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.journal.victim", str(engine.path), point, stdout=-1, stderr=-1
    )
    said, complaint = await victim.communicate()
    assert victim.returncode == -signal.SIGKILL, complaint.decode()
    with closing(sqlite3.connect(engine.path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return said.decode().split()


async def test_what_was_not_committed_is_not_there(engine: SqliteEngine) -> None:
    """A death before the commit loses only what nobody was told about; it can come again."""
    assert await crash(engine, "before_the_commit") == ["1"]
    async with engine.open() as journal:
        tally = await journal.tally()
        assert (tally.accepted, tally.open) == (1, 1)
        assert await journal.accept(said(number=2), lane=LANE) is Acceptance.NEW


async def test_what_was_acknowledged_is_there(engine: SqliteEngine) -> None:
    """After a death under load every acknowledged message is known, and in order."""
    acknowledged = await crash(engine, "storm")
    assert len(acknowledged) >= 200
    async with engine.open() as journal:
        tally = await journal.tally()
        assert tally.balanced
        assert tally.open >= len(acknowledged)
        for number in acknowledged:
            again = await journal.accept(said(number=int(number)), lane=LANE)
            assert again is Acceptance.REPEATED


async def test_a_turn_that_ran_is_known_as_interrupted(engine: SqliteEngine) -> None:
    """The next start finds the attempt with its prompt, and knows that it was alone."""
    await crash(engine, "in_a_turn")
    async with engine.open() as journal:
        assert await journal.take_rooms() == 1
        head = await journal.head(LANE)
        assert head is not None
        (attempt,) = head.attempts
        assert (attempt.state, attempt.prompt_uuid) == (AttemptState.INTERRUPTED, "p")
        assert len((await journal.lives.trials(head.seq)).of_message) == 1


async def test_only_the_part_under_way_is_unknown(engine: SqliteEngine) -> None:
    """Of a reply in two parts the posted one is known with its id, the other as sending."""
    await crash(engine, "between_parts")
    async with engine.open() as journal:
        await journal.take_rooms()
        head = await journal.head(LANE)
        assert head is not None
        assert head.verdict is Outcome.ANSWERED
        assert [(part.state, part.remote_id) for part in head.parts] == [
            (PartState.POSTED, "100"),
            (PartState.SENDING, None),
        ]
        assert await journal.settle(head, last=head.parts[1], remote_id="101")
        assert (await journal.tally()).answered == 1


async def test_a_settled_message_stays_settled(engine: SqliteEngine) -> None:
    """Nothing is owed after a death that follows the end of the last message."""
    await crash(engine, "after_the_end")
    async with engine.open() as journal:
        assert await journal.open_lanes() == ()
        tally = await journal.tally()
        assert (tally.told, tally.balanced) == (1, True)
